# config/Containerfile, built over the Debian of run.sh, which reads this file; what comes out is started as a
# container's engine would. Nothing is fetched but Debian's packages.

container() {
  local store=(--storage-driver vfs --root "$work/images" --runroot "$work/images-run")
  build() { $sudo buildah "${store[@]}" "$@"; }
  if ! build from --name base scratch >"$work/log" 2>&1; then
    step 'no container, since this machine allows none'
    return
  fi
  step 'the container'
  quietly build add -q base "$root" /
  quietly build commit -q base docker.io/library/debian:bookworm-slim
  quietly build bud --isolation chroot --pull=never -f config/Containerfile -t sluice .build/deb
  quietly build from --pull=never --name sluice localhost/sluice:latest
  local image
  image=$(build inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}' sluice)
  [ "$image" = 'sluice [/usr/bin/sluice] [serve --config /etc/sluice/sluice.yaml]' ] || fail "the container runs $image"
  inside_it() { build run --isolation chroot sluice -- "$@"; }
  quietly inside_it /usr/bin/sluice check
  quietly inside_it sh -c 'touch /var/lib/sluice/models/it /run/sluice/it && ! touch /etc/sluice/it'
  local answer
  answer=$(inside_it sh -c 'echo "{\"prompt\": \"How do I bake bread?\"}" | sluice classify --model bundled')
  [[ $answer == *'"flagged":false'* ]] || fail "no verdict in the container: $answer"
  # Without brokers it must end by itself, with the code of what is not there.
  local code=0
  inside_it sluice serve --config /etc/sluice/sluice.yaml >"$work/log" 2>&1 || code=$?
  [ "$code" = 69 ] || { cat "$work/log"; fail "without brokers the container ends with $code"; }
  quietly build rm --all
  $sudo rm -rf "$work/images" "$work/images-run"
}
