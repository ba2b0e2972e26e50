//! One line of comma-separated values, with quoted fields, as `--mount` and `--device` take them.

/// No mount or device has a tenth of them, and each costs more memory than a comma does.
const MOST_FIELDS: usize = 1000;

/// The fields of `line`. An empty line is an error, and so is a quote inside an unquoted field.
pub fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut rest = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if rest.is_empty() {
        return Err("nothing to read".to_owned());
    }
    let mut fields = Vec::new();
    loop {
        let (field, behind) = if rest.starts_with('"') { quoted(rest)? } else { bare(rest)? };
        fields.push(field);
        if fields.len() > MOST_FIELDS {
            return Err(format!("more than {MOST_FIELDS} fields"));
        }
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(fields),
        }
    }
}

type Field<'a> = Result<(String, Option<&'a str>), String>;

fn bare(text: &str) -> Field<'_> {
    let (field, behind) = text.split_once(',').map_or((text, None), |(field, behind)| (field, Some(behind)));
    if field.contains('"') {
        return Err("bare \" in an unquoted field".to_owned());
    }
    Ok((field.to_owned(), behind))
}

fn quoted(text: &str) -> Field<'_> {
    let stray = || "missing or stray \" in a quoted field".to_owned();
    let mut field = String::new();
    let mut rest = &text[1..];
    loop {
        let (part, behind) = rest.split_once('"').ok_or_else(stray)?;
        field.push_str(part);
        if behind.is_empty() {
            return Ok((field, None));
        }
        if let Some(behind) = behind.strip_prefix(',') {
            return Ok((field, Some(behind)));
        }
        rest = behind.strip_prefix('"').ok_or_else(stray)?;
        field.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn splits_at_commas_outside_quotes() {
        for (line, expected) in [
            ("a,b=c", Some(vec!["a", "b=c"])),
            ("a,", Some(vec!["a", ""])),
            (",", Some(vec!["", ""])),
            ("\"a,b\",c", Some(vec!["a,b", "c"])),
            ("\"a\"\"b\"", Some(vec!["a\"b"])),
            ("\"a\",", Some(vec!["a", ""])),
            ("a\"b", None),
            ("\"a", None),
            ("\"a\"b", None),
            ("", None),
            (&",".repeat(1000), None),
        ] {
            assert_eq!(
                fields(line).ok(),
                expected.map(|e| e.into_iter().map(String::from).collect()),
                "{line}"
            );
        }
    }
}
