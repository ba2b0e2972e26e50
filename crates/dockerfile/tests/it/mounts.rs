//! `RUN --mount` values.

use dockerfile::Mount;
use dockerfile::mount::{MountType, Sharing};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn check(value: &str, expected: Mount) {
    assert_eq!(Mount::parse(value), Ok(expected), "{value}");
}

fn complain(value: &str, message: &str, help: Option<&str>) {
    let problem = Mount::parse(value).unwrap_err();
    assert_eq!((problem.message.as_str(), problem.help.as_deref()), (message, help), "{value}");
}

#[test]
fn each_type_has_its_fields() {
    let bind = Mount { readonly: true, target: some("/x"), ..Mount::default() };
    check("target=/x", bind.clone());
    check(
        "type=bind,from=b,src=s,dst=/x,rw",
        Mount { from: some("b"), source: some("s"), readonly: false, ..bind.clone() },
    );
    check(
        "TYPE=Cache,destination=/x,id=i,sharing=LOCKED,mode=0755,uid=1,gid=2",
        Mount {
            kind: MountType::Cache,
            id: some("i"),
            sharing: Some(Sharing::Locked),
            mode: Some(0o755),
            uid: Some(1),
            gid: Some(2),
            readonly: false,
            ..bind.clone()
        },
    );
    let tmpfs = Mount { kind: MountType::Tmpfs, readonly: false, ..bind.clone() };
    check("type=tmpfs,target=/x,size=1.5g", Mount { size: 3 << 29, ..tmpfs });
    let secret = Mount { kind: MountType::Secret, target: None, id: some("i"), ..bind.clone() };
    check("type=secret,id=i,env=V,required", Mount { env: some("V"), required: true, ..secret });
    check(
        "type=ssh,readonly=false,required=1",
        Mount { kind: MountType::Ssh, target: None, readonly: false, required: true, ..bind },
    );
}

#[test]
fn quotes_hold_commas() {
    check("\"target=/a,b\"", Mount { readonly: true, target: some("/a,b"), ..Mount::default() });
}

#[test]
fn trap_11_values_are_expanded_field_by_field() {
    let mount = Mount::parse_with("type=cache,target=$T", |field| Ok(field.replace("$T", "/a,b"))).unwrap();
    assert_eq!(mount.target, some("/a,b"));
    assert_eq!(Mount::raw_from("from=a,target=$T"), Ok(some("a")));
    assert_eq!(Mount::raw_from("from=a$"), Ok(some("a$")));
    assert!(Mount::raw_from("from=$a").is_err());
}

#[test]
fn wrong_values_are_refused() {
    complain("type=cahce", "unsupported mount type \"cahce\"", Some("did you mean `cache`?"));
    complain("tagret=/x", "unexpected key 'tagret' in 'tagret=/x'", Some("did you mean `target`?"));
    complain("foo", "invalid field 'foo' must be a key=value pair", None);
    complain("ro=2", "invalid value for ro: 2", None);
    complain("type=tmpfs,size=x", "invalid value for size: x", None);
    complain("size=1", "unexpected key 'size' for mount type 'bind'", Some("`type` has to come before it"));
    complain(
        "required",
        "unexpected key 'required' for mount type 'bind'",
        Some("`type` has to come before it"),
    );
    complain("mode=0755", "mode not allowed for \"bind\" type mounts", None);
    complain("type=cache,mode=8", "invalid value 8 for mode", None);
    complain("type=cache,uid=-1", "invalid value -1 for uid", None);
    complain("sharing=locked", "invalid cache sharing set for bind mount", None);
    complain("type=cache,sharing=x", "unsupported sharing value \"x\"", None);
    complain("type=secret", "invalid secret mount. one of source, target required", None);
    complain("type=secret,id=a,from=b", "secret mount should not have a from", None);
    complain("type=secret,id=a,src=b", "both source and id can't be set", None);
    complain("type=secret,id=a,sharing=shared", "secret mount should not define sharing", None);
    complain("type=ssh,source=a", "ssh does not support source", None);
    complain("\"a", "failed to parse csv mounts: missing or stray \" in a quoted field", None);
}
