# `sh -c` runs this script in the VM that builds images, with a command, the id of a build and more as $1 and so on.
# All builds of one boot have their files below one directory, so those of an earlier boot are known to be left over.
set -eu
export HOME=/root
storage=/root/image-builder/storage
builds=/root/image-builder/$(cat /proc/sys/kernel/random/boot_id)
command=$1
build=$builds/$2
shift 2

buildah() { command buildah --root "$storage" --runroot /run/image-builder --storage-driver overlay "$@"; }

# Stops the VM when no command has run for three minutes: a client that is killed cannot stop it. A unit that exists
# watches already, also while it starts or ends.
watch() {
  systemctl is-active --quiet image-builder-idle && return
  systemd-run --quiet --collect --unit=image-builder-idle sh -c '
    idle=0
    while [ "$idle" -lt 18 ]; do
      sleep 10
      if flock --exclusive --nonblock /run/image-builder.used true; then idle=$((idle + 1)); else idle=0; fi
    done
    systemctl poweroff' || [ "$(systemctl show --property=LoadState --value image-builder-idle)" = loaded ]
}

used_percent() { df --output=pcent /root | tail -n 1 | tr -dc 0-9; }

# Removes what ended builds left, makes room, and prints the ids of the images that are here.
begin() {
  mkdir -p "$builds"
  exec 9>/run/image-builder.lock
  flock 9
  watch
  for old in /root/image-builder/*-*-*-*-*; do
    [ "$old" = "$builds" ] || { rm -rf "$old"; buildah rm --all >/dev/null; }
  done
  if [ "$(used_percent)" -ge 75 ] && [ -z "$(ls -A "$builds")" ]; then
    echo 'the build cache is full, and is emptied' >&2
    buildah rm --all >/dev/null
    buildah rmi --all --force >/dev/null
  fi
  mkdir -p "$build"
  buildah images --all --quiet --no-trunc
}

# Unpacks the tar on standard input into a directory of the build.
receive() {
  mkdir -p "$build/$1"
  exec tar -x --no-same-owner --warning=no-unknown-keyword -f - -C "$build/$1"
}

# Takes the base images into the storage, each with its name, and builds. Each line of `bases` has an id, the directory
# of an image that is not here yet or `-`, and a name.
build() {
  while read -r image directory name; do
    if [ "$directory" != - ] && [ -e "$build/$directory" ]; then
      buildah pull --quiet "dir:$build/$directory" >/dev/null
      rm -rf "${build:?}/$directory"
    fi
    buildah tag "$image" "$name"
  done <"$build/bases"
  buildah build --layers --isolation chroot --network host --pull=false --format oci --iidfile "$build/image" \
    --ignorefile "$build/ignore" --file "$build/Containerfile" "$@" "$build/context"
}

# Writes the image as a tar of an OCI layout, without the layers of `known`. buildah does not write a layer again that
# is there already, so an empty file stands for each of them.
send() {
  blobs=$build/out/blobs/sha256
  mkdir -p "$blobs"
  while read -r layer; do : >"$blobs/$layer"; done <"$build/known"
  buildah push --quiet --format oci "$(cat "$build/image")" "oci:$build/out:built" >&2
  while read -r layer; do rm -f "$blobs/$layer"; done <"$build/known"
  exec tar -c -f - -C "$build/out" oci-layout index.json blobs
}

end() { rm -rf "$build"; }

# Every command holds this lock until its last process has ended.
exec 8>/run/image-builder.used
flock --shared 8
"$command" "$@"
