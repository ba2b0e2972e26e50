//! The value of `RUN --device`: a name, and whether the step needs the device.

use crate::csv;
use crate::mount::bool_value;

/// A device that a step asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name, as in the Container Device Interface.
    pub name: String,
    /// Without the device the step fails.
    pub required: bool,
}

impl Device {
    /// Reads the value of the flag.
    pub fn parse(value: &str) -> Result<Device, String> {
        let fields = csv::fields(value).map_err(|e| format!("failed to parse csv devices: {e}"))?;
        let mut device = Device::default();
        fields.iter().try_for_each(|field| device.take(field))?;
        Ok(device)
    }

    fn take(&mut self, field: &str) -> Result<(), String> {
        let (key, value) = field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value)));
        match (key.to_lowercase().as_str(), value) {
            ("required", None) => self.required = true,
            ("required", Some(value)) => self.required = bool_value(key, value)?,
            ("name", Some(value)) if self.name.is_empty() => value.clone_into(&mut self.name),
            ("name", Some(_)) => return Err(format!("device name already set to {}", self.name)),
            // The name may stand alone, and may have a `=` of its own.
            _ if self.name.is_empty() => field.clone_into(&mut self.name),
            (_, None) => return Err(format!("invalid field '{field}' must be a key=value pair")),
            (key, Some(_)) => return Err(format!("unexpected key '{key}' in '{field}'")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn reads_a_name_and_whether_it_is_required() {
        for (value, expected) in [
            ("vendor.com/gpu=all", Some(("vendor.com/gpu=all", false))),
            ("vendor.com/gpu=all,required", Some(("vendor.com/gpu=all", true))),
            ("name=a,required=false", Some(("a", false))),
            ("a,b", None),
            ("a,b=c", None),
            ("name=a,name=b", None),
            ("a,required=perhaps", None),
            ("", None),
        ] {
            let device = Device::parse(value).ok();
            assert_eq!(device.as_ref().map(|d| (d.name.as_str(), d.required)), expected, "{value}");
        }
    }
}
