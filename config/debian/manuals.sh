#!/usr/bin/env bash
# Brings the manual pages of generate-manual into Debian's order: sluice-model-list(1) instead of
# sluice.model.list, and paragraphs instead of empty lines.
#
#   manuals.sh FOLDER
set -euo pipefail
cd "$1"
for page in sluice*.1; do
  command=$(basename "$page" .1 | tr . ' ')
  name=${command// /-}
  sed -i -E -e "s/^\.Nm \"sluice .*\"$/.Nm $name/" -e "s/^\.Nm$/.Nm \"$command\"/" \
    -e '/^\.(Xr|Dt) /s/\./-/2g' -e 's/^$/.Pp/' -e 's/^Example: /.Pp\n&/' "$page"
  [ "$page" = "$name.1" ] || mv "$page" "$name.1"
done
