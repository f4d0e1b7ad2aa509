# An operator's first hour, in the Debian of run.sh, which reads this file: from the package to a verdict on
# a real broker, a dashboard that shows something, and an alert that fires. Where there is no systemd, the
# unit's own command is run as its user.

tools=${SLUICE_TEST_VENV:-$(pwd)/.build/test-venv}/bin
brokers=127.0.0.1:$((20000 + $$ % 20000))
commands=0

# What an operator types, counted.
types() {
  commands=$((commands + 1))
  echo "package:   $commands. $*"
}
# Waits until a command succeeds.
until_so() {
  local limit=$((SECONDS + 60))
  until "$@" >"$work/log" 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || { tail -n 20 "$work"/*.log "$work/log" >&2; fail "$* failed for a minute"; }
    sleep 0.3
  done
}
ask() { curl -fsS -G --data-urlencode "query=$1" 'http://127.0.0.1:9090/api/v1/query'; }
firing() { curl -fsS 'http://127.0.0.1:9090/api/v1/alerts' | grep -q '"alertname":"SluiceDown".*"state":"firing"'; }

first_hour() {
  "$tools/noida-db-broker" start --data-dir "$work/broker" --only kafka --kafka-port "${brokers#*:}" \
    >"$work/broker.log" 2>&1 &
  started+=($!)
  for topic in chat.exchanges chat.verdicts chat.dead-letters; do
    until_so inside kcat -b "$brokers" -L -t "$topic"
  done

  types 'apt install ./sluice_*.deb'
  quietly inside sh -c 'dpkg -i /tmp/sluice_*.deb'
  types "sed -i 's/localhost:9092/$brokers/' /etc/sluice/sluice.yaml"
  inside sed -i "s/localhost:9092/$brokers/" /etc/sluice/sluice.yaml
  types 'sluice check --connect --for serve'
  quietly inside runuser -u sluice -- sluice check --connect --for serve
  types 'systemctl start sluice'
  inside install -d -o sluice -g sluice -m 700 /run/sluice
  # Without the shell in between, the process of that number is the daemon itself.
  $sudo chroot "$root" setpriv --reuid=sluice --regid=sluice --clear-groups env PATH=/usr/bin:/bin \
    RUNTIME_DIRECTORY=/run/sluice STATE_DIRECTORY=/var/lib/sluice \
    sluice serve >"$work/daemon.log" 2>&1 &
  local daemon=$!
  started+=($daemon)
  types 'curl -fs localhost:9464/ready'
  until_so curl -fs http://127.0.0.1:9464/ready
  types 'kcat -P -t chat.exchanges'
  # Every fourth is rude: some verdicts must flag.
  for number in $(seq 40); do
    local text="How do I bake bread number $number?"
    [ $((number % 4)) != 0 ] || text='You are completely useless, you stupid machine.'
    echo "{\"id\": \"$number\", \"prompt\": \"$text\", \"tenant\": \"t\"}"
  done | inside kcat -b "$brokers" -P -t chat.exchanges
  types 'kcat -C -t chat.verdicts'
  verdicts() { [ "$(inside kcat -b "$brokers" -C -t chat.verdicts -e -q | grep -c '"policy_digest"')" = 40 ]; }
  until_so verdicts

  # The limits of a test: everything at once instead of after minutes.
  mkdir -p "$work/prometheus"
  sed -E 's/for: [0-9]+[mh]/for: 1s/' "$root/usr/share/doc/sluice/examples/prometheus/alerts.yaml" \
    >"$work/prometheus/alerts.yaml"
  cat >"$work/prometheus/prometheus.yml" <<'CONFIGURATION'
global: {scrape_interval: 1s, evaluation_interval: 1s}
scrape_configs: [{job_name: sluice, static_configs: [{targets: ["127.0.0.1:9464"]}]}]
rule_files: [alerts.yaml]
CONFIGURATION
  types 'systemctl start prometheus'
  "$tools/prometheus" --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/prometheus/data" \
    --web.listen-address=127.0.0.1:9090 >"$work/prometheus.log" 2>&1 &
  started+=($!)
  until_so sh -c "curl -fsS http://127.0.0.1:9090/api/v1/targets | grep -q '\"health\":\"up\"'"
  types 'the dashboard of config/grafana'
  sleep 4
  until_so "$tools/python3" Tests/Package/dashboard.py \
    "$root/usr/share/doc/sluice/examples/grafana/sluice.json" http://127.0.0.1:9090
  cat "$work/log"
  firing && fail 'an alert fires while all is well'
  types 'systemctl stop sluice'
  kill "$daemon"
  wait "$daemon" || { tail -n 20 "$work/daemon.log" >&2; fail 'the daemon did not end well'; }
  until_so firing
  [ "$commands" -le 10 ] || fail "$commands commands"
  step "a verdict, a dashboard and an alert in $commands commands"
}
