//! What Docker's official images set, for when an image itself can't be asked.
//!
//! Names are those of the `ENV` lines in the images' own Dockerfiles, which the docker-library project keeps in one
//! repository an image, over all versions that are still met. A value stands here where it is the same in all of
//! them and a path begins with it; others change with every release, and only whether they are set matters.

/// Image, and what it sets.
#[rustfmt::skip]
const TABLE: &[(&str, &[&str])] = &[
    ("almalinux", &[]),
    ("alpine", &[]),
    ("buildpack-deps", &[]),
    ("busybox", &[]),
    ("caddy", &["CADDY_VERSION", "XDG_CONFIG_HOME=/config", "XDG_DATA_HOME=/data"]),
    ("composer", &["COMPOSER_ALLOW_SUPERUSER=1", "COMPOSER_HOME=/tmp", "COMPOSER_VERSION", "PHP_VERSION", "PHP_INI_DIR=/usr/local/etc/php"]),
    ("debian", &[]),
    ("docker", &["DOCKER_VERSION", "DOCKER_BUILDX_VERSION", "DOCKER_COMPOSE_VERSION", "DOCKER_TLS_CERTDIR=/certs", "DIND_COMMIT"]),
    ("eclipse-temurin", &["JAVA_HOME=/opt/java/openjdk", "JAVA_VERSION", "LANG", "LANGUAGE", "LC_ALL"]),
    ("elixir", &["ELIXIR_VERSION", "LANG", "OTP_VERSION", "REBAR_VERSION", "REBAR3_VERSION"]),
    ("erlang", &["OTP_VERSION", "REBAR_VERSION", "REBAR3_VERSION"]),
    ("fedora", &["DISTTAG", "FGC", "container"]),
    ("gcc", &["GPG_KEYS", "GCC_MIRRORS", "GCC_VERSION"]),
    ("golang", &["GOLANG_VERSION", "GOTOOLCHAIN=local", "GOPATH=/go"]),
    ("gradle", &["GRADLE_HOME=/opt/gradle", "GRADLE_VERSION", "JAVA_HOME=/opt/java/openjdk", "JAVA_VERSION", "LANG", "LANGUAGE", "LC_ALL"]),
    ("haskell", &["LANG"]),
    ("httpd", &["HTTPD_PREFIX=/usr/local/apache2", "HTTPD_VERSION", "HTTPD_SHA256", "HTTPD_PATCHES"]),
    ("julia", &["JULIA_PATH=/usr/local/julia", "JULIA_GPG", "JULIA_VERSION"]),
    ("mariadb", &["GOSU_VERSION", "LANG", "MARIADB_VERSION"]),
    ("maven", &["MAVEN_HOME=/usr/share/maven", "MAVEN_CONFIG=/root/.m2", "JAVA_HOME=/opt/java/openjdk", "JAVA_VERSION", "LANG", "LANGUAGE", "LC_ALL"]),
    ("mongo", &["GOSU_VERSION", "JSYAML_VERSION", "JSYAML_CHECKSUM", "MONGO_PACKAGE", "MONGO_REPO", "MONGO_MAJOR", "MONGO_VERSION", "HOME=/data/db"]),
    ("mysql", &["GOSU_VERSION", "MYSQL_MAJOR", "MYSQL_VERSION", "MYSQL_SHELL_VERSION"]),
    ("nginx", &["NGINX_VERSION", "NJS_VERSION", "NJS_RELEASE", "ACME_VERSION", "PKG_RELEASE", "DYNPKG_RELEASE"]),
    ("node", &["NODE_VERSION", "YARN_VERSION"]),
    ("openjdk", &["JAVA_HOME=/usr/local/openjdk", "JAVA_VERSION", "LANG"]),
    ("php", &["PHPIZE_DEPS", "PHP_INI_DIR=/usr/local/etc/php", "PHP_CFLAGS", "PHP_CPPFLAGS", "PHP_LDFLAGS", "GPG_KEYS", "PHP_VERSION", "PHP_URL", "PHP_ASC_URL", "PHP_SHA256", "PHP_EXTRA_CONFIGURE_ARGS", "PHP_EXTRA_BUILD_DEPS", "APACHE_CONFDIR=/etc/apache2", "APACHE_ENVVARS=/etc/apache2/envvars"]),
    ("postgres", &["GOSU_VERSION", "LANG", "PG_MAJOR", "PG_VERSION", "PG_SHA256", "PGDATA=/var/lib/postgresql/data", "DOCKER_PG_LLVM_DEPS"]),
    ("pypy", &["LANG", "PYPY_VERSION", "PYTHON_VERSION", "PYTHON_PIP_VERSION", "PYTHON_GET_PIP_URL", "PYTHON_GET_PIP_SHA256"]),
    ("python", &["LANG", "GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256", "PYTHON_PIP_VERSION", "PYTHON_SETUPTOOLS_VERSION", "PYTHON_GET_PIP_URL", "PYTHON_GET_PIP_SHA256"]),
    ("redis", &["GOSU_VERSION", "REDIS_VERSION", "REDIS_DOWNLOAD_URL", "REDIS_DOWNLOAD_SHA"]),
    ("ruby", &["LANG", "RUBY_MAJOR", "RUBY_VERSION", "RUBY_DOWNLOAD_URL", "RUBY_DOWNLOAD_SHA256", "GEM_HOME=/usr/local/bundle", "BUNDLE_SILENCE_ROOT_WARNING=1", "BUNDLE_APP_CONFIG=/usr/local/bundle"]),
    ("rust", &["RUSTUP_HOME=/usr/local/rustup", "CARGO_HOME=/usr/local/cargo", "RUST_VERSION"]),
    ("swift", &["SWIFT_SIGNING_KEY", "SWIFT_PLATFORM", "SWIFT_BRANCH", "SWIFT_VERSION", "SWIFT_WEBROOT"]),
    ("tomcat", &["CATALINA_HOME=/usr/local/tomcat", "TOMCAT_NATIVE_LIBDIR=/usr/local/tomcat/native-jni-lib", "LD_LIBRARY_PATH=/usr/local/tomcat/native-jni-lib", "GPG_KEYS", "TOMCAT_MAJOR", "TOMCAT_VERSION", "TOMCAT_SHA512", "JAVA_HOME=/opt/java/openjdk", "JAVA_VERSION", "LANG", "LANGUAGE", "LC_ALL"]),
    ("ubuntu", &[]),
    ("wordpress", &["PHPIZE_DEPS", "PHP_INI_DIR=/usr/local/etc/php", "PHP_CFLAGS", "PHP_CPPFLAGS", "PHP_LDFLAGS", "GPG_KEYS", "PHP_VERSION", "PHP_URL", "PHP_ASC_URL", "PHP_SHA256", "APACHE_CONFDIR=/etc/apache2", "APACHE_ENVVARS=/etc/apache2/envvars"]),
];

/// What the official image of that name sets, with its value; nothing for others.
pub fn variables(image: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let all = find(image).unwrap_or_default().iter();
    all.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// What the table has of an image. A tag may be missing behind the colon, as in `golang:$VERSION` without the argument.
pub fn find(image: &str) -> Option<&'static [&'static str]> {
    let reference: oci::Reference = image.trim_end_matches(':').parse().ok()?;
    let is_official = reference.host == oci::reference::DEFAULT_HOST;
    let name = reference.repository.strip_prefix("library/").filter(|_| is_official)?;
    TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(image: &str, expected: Option<(&str, &str)>) {
        assert_eq!(variables(image).last(), expected, "{image}");
    }

    #[test]
    fn only_official_images_are_known() {
        check("golang", Some(("GOPATH", "/go")));
        check("golang:1.26-alpine", Some(("GOPATH", "/go")));
        check("golang:", Some(("GOPATH", "/go")));
        check(
            "docker.io/library/rust@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            Some(("RUST_VERSION", "")),
        );
        for unknown in ["somebody/golang", "localhost:5000/golang", "alpine", "", "GOLANG"] {
            check(unknown, None);
        }
    }

    #[test]
    fn an_image_may_be_known_to_set_nothing() {
        assert_eq!((find("alpine:3"), find("somebody/alpine")), (Some(&[][..]), None));
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }
}
