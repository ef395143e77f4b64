# Runs last on an image's tree, $1. It removes traces of the build and of this host, and everything that differs between
# two builds. mmdebstrap itself removes apt's lists and cache and empties /etc/machine-id.
set -eu
cd "$1"
mv -f etc/apt/sources.list.d/0000main.sources etc/apt/sources.list.d/debian.sources
rm -f etc/apt/sources.list
rm -f etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub
find var/log -type f -delete
# Packages that are installed later come with all their files. update-alternatives makes links in the manual's
# directories, and fails without them.
sed -i '/^path-/d' etc/dpkg/dpkg.cfg.d/99mmdebstrap
for n in 1 2 3 4 5 6 7 8 9; do install -d -m 0755 "usr/share/man/man$n"; done
rm -rf var/cache/apt/*.bin var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache
rm -rf var/lib/systemd/random-seed
rm -f etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- etc/.pwd.lock
find . -xdev -name '*.dpkg-old' -delete
echo localhost > etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > etc/hosts
rm -f etc/resolv.conf
: > etc/resolv.conf
: > etc/machine-id
chown 0:0 root
chmod 0755 root
install -d -m 0700 root/.ssh
# Marks the image as updated, as systemd-update-done does. Otherwise every first boot would rebuild ld.so.cache and the
# catalog.
for d in etc var; do printf 'TIMESTAMP_NSEC=%s000000000\n' "$SOURCE_DATE_EPOCH" > "$d/.updated"; done
