#include "guest/image_rules.h"

#include "catch.h"

using namespace banger::guest;

TEST_CASE("image rules: what names one machine is not in an image") {
  for (auto path :
       {"etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/ssh/ssh_host_rsa_key-cert.pub",
        "etc/ssh/sshd_config.d/00-banger.conf", "etc/hostname", "etc/resolv.conf", "etc/profile.d/banger.sh",
        "var/lib/systemd/random-seed", "var/lib/systemd/credential.secret", "etc/dropbear/dropbear_ed25519_host_key",
        "var/lib/misc/random-seed", "var/lib/random-seed", "var/lib/urandom/random-seed", "var/lib/seedrng/seed.credit",
        "usr/local/share/ca-certificates/banger.crt", "etc/pki/ca-trust/source/anchors/banger.pem"}) {
    INFO(path);
    CHECK(image_part(path, ObjectKind::file) == ImagePart::nothing);
  }
  for (auto path :
       {"lost+found", "root/lost+found", "var/lib/banger/sessions", "var/log/journal/0123456789abcdef0123456789abcdef",
        "tmp/systemd-private-0123-foo.service-x", "var/tmp/systemd-private-0123-foo.service-x"}) {
    INFO(path);
    CHECK(image_part(path, ObjectKind::directory) == ImagePart::nothing);
  }
}

TEST_CASE("image rules: machine ids are emptied") {
  CHECK(image_part("etc/machine-id", ObjectKind::file) == ImagePart::emptied);
  CHECK(image_part("var/lib/dbus/machine-id", ObjectKind::file) == ImagePart::emptied);
  CHECK(image_part("var/lib/dbus/machine-id", ObjectKind::symlink) == ImagePart::whole);
}

TEST_CASE("image rules: of files that the user edits too, only banger's lines go") {
  for (auto path : {"etc/hosts", "etc/environment", "root/.ssh/authorized_keys", "home/ann/.ssh/authorized_keys",
                    "etc/ssl/certs/ca-certificates.crt", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"}) {
    INFO(path);
    CHECK(image_part(path, ObjectKind::file) == ImagePart::without_block);
  }
  CHECK(image_part("etc/hosts", ObjectKind::symlink) == ImagePart::whole);
}

TEST_CASE("image rules: unfinished files of banger are not in an image") {
  CHECK(image_part("root/.banger-cp-12ab", ObjectKind::directory) == ImagePart::nothing);
  CHECK(image_part("etc/.banger-17.tmp", ObjectKind::file) == ImagePart::nothing);
  CHECK(image_part("root/.banger-notes", ObjectKind::file) == ImagePart::whole);
}

TEST_CASE("image rules: everything else is kept") {
  for (auto path : {"etc/ssh/sshd_config", "etc/ssh/sshd_config.d/ssh_host_key", "srv/etc/hostname", "etc/hosts.allow",
                    "srv/lost+found", "var/log/journal", "tmp/notes", "authorized_keys", "etc/resolv.conf.d",
                    "root/etc/machine-id", "etc/hostnames", "etc/ssh"}) {
    INFO(path);
    CHECK(image_part(path, ObjectKind::file) == ImagePart::whole);
    CHECK(image_part(path, ObjectKind::directory) == ImagePart::whole);
  }
  CHECK(image_part("etc/resolv.conf", ObjectKind::symlink) == ImagePart::whole);
}
