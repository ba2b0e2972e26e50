//! All rules, in the order in which their findings on one line are told: for BuildKit's that is BuildKit's own.

use crate::rule::Rule;

/// Names files, and makes the list of the rules in them.
macro_rules! rules {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*
        /// Every rule.
        pub static ALL: &[&Rule] = &[$(&$name::RULE),*];
    };
}

rules! {
    no_empty_continuation,
    maintainer_deprecated,
    stage_name_casing,
    from_as_casing,
    invalid_definition_description,
    reserved_stage_name,
    duplicate_stage_name,
    consistent_instruction_casing,
    invalid_default_arg_in_from,
    undefined_arg_in_from,
    redundant_target_platform,
    from_platform_flag_const_disallowed,
    invalid_base_image_platform,
    undefined_var,
    legacy_key_value_format,
    secrets_used_in_arg_or_env,
    workdir_relative_path,
    multiple_instructions_disallowed,
    json_args_recommended,
    copy_ignored_file,
    expose_proto_casing,
    expose_invalid_format,
}
