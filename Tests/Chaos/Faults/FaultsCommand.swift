import ArgumentParser
import Foundation
import Presentation
import TestSupport

/// Shows what becomes of exchanges while daemons, network and broker fail.
struct FaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults",
    abstract: "Let daemons and their network fail, and count what was lost or repeated.",
    discussion: """
      Several `sluice serve` read one topic of a real broker (noida-db, which the tests install),
      while faults, drawn by seed, happen to them. Two readers watch, of committed and of all
      records. In the end every exchange must have its one right verdict, in order: compared with
      what `sluice classify` says of the same texts, alone and in peace.

      Faults: kill, leave, stop; of the network cut, cut-in-frame, silence, deafness, half-open,
      refuse, slow. zombie lets a daemon go on that was replaced meanwhile: noida-db takes its
      offsets, other than Apache Kafka, and so records are lost and repeated. --hold lets one in
      so many requests of transactions arrive late, in a later transaction.

      --cluster takes a cluster that is there (Apache Kafka, Redpanda) in the place of noida-db, and
      makes topics of its own on it, which stay. There zombie is a fault like all others. Faults of
      the network, --hold and --outage need its only broker to be on this machine. --membership
      cooperative can be shown there only, and with dynamic noida-db is up to leave alone.

      Exit codes: 0 when all is well; 1 when something was lost, repeated, reordered or wrong, or
      did not go on; 69 when the broker or the program cannot be run. Logs stay in the output
      folder after a failure.

      Example: sluice-chaos --rounds 10 --records 20000 --seconds 120 --faults kill --pace 0.8
      Example: sluice-chaos --hold 8 --seed 7
      Example: sluice-chaos --cluster 127.0.0.1:9092 --rounds 10 --records 100000 --seconds 600
      """)

  @Option(help: "From which faults and texts follow.") var seed: UInt64 = 1
  @Option(help: "Rounds, each with a fresh broker.") var rounds = 1
  @Option(help: "Exchanges of a round.") var records = 3_000
  @Option(help: "Seconds for which exchanges come and faults happen, in a round.") var seconds = 30
  @Option(help: "Daemons.") var daemons = 3
  @Option(help: "Partitions of each topic.") var partitions = 6
  @Option(help: "How daemons are members of their group: static, dynamic or cooperative.")
  var membership = Membership.static
  @Option(
    parsing: .upToNextOption,
    help: "Faults to draw from, one named twice twice as often; by default all that can be.")
  var faults: [Fault] = []
  @Option(help: "Seconds between two faults on average.") var pace = 1.0
  @Option(help: "Hold one in so many requests of transactions; 0 holds none.") var hold = 0
  @Option(help: "Milliseconds that a request is held at most.") var holdMilliseconds = 300
  @Option(help: "Seconds for which no daemon reaches the broker, once in each round.")
  var outage = 0
  @Option(help: "Bootstrap servers of a cluster to use; by default KAFKA_BOOTSTRAP, if it is set.")
  var cluster: String?
  @Option(help: "Replicas of the topics that are made there.") var replicas = 1
  @Option(help: "Seconds after the last fault within which everything has to be decided.")
  var patience = 180
  @Option(help: "The program; by default the one that was built with this.")
  var program: String?
  @Option(help: "An earlier version, which every other start of a daemon takes.")
  var previous: String?
  @Option(name: .shortAndLong, help: "A folder for the report, and for logs after a failure.")
  var output = ".build/chaos"

  func validate() throws {
    guard rounds > 0, records > 0, seconds > 0, daemons > 0, partitions > 0, pace > 0 else {
      throw ValidationError("Rounds, records, seconds, daemons, partitions and pace are above 0.")
    }
    guard hold >= 0, outage >= 0, holdMilliseconds > 0, patience > 0 else {
      throw ValidationError(
        "--hold and --outage are 0 or more, --hold-milliseconds and --patience above 0.")
    }
    if membership == .cooperative, bootstrapServers == nil {
      throw ValidationError(
        "--membership cooperative needs --cluster: noida-db gives one partition to two members.")
    }
    guard replicas > 0 else { throw ValidationError("--replicas is above 0.") }
    if let cluster = bootstrapServers, makePlan().isProxied, Cluster.localPort(of: cluster) == nil {
      throw ValidationError(
        "Faults of the network, --hold and --outage need one broker, on 127.0.0.1: not \(cluster).")
    }
  }

  func run() throws {
    let plan = makePlan()
    try FileManager.default.createDirectory(
      atPath: plan.folder, withIntermediateDirectories: true)
    removeLogs(plan)  // of an earlier run that failed
    let workload = try orUnavailable { try Workload(seed: seed, program: plan.program) }
    let bar = ProgressBar(unwatchedInterval: .seconds(30))
    var report = ChaosReport(plan)
    for number in 1...rounds {
      let round = try orUnavailable { try Round(plan, number: number, workload) }
      let result = try round.run { share in
        bar.show {
          "round \(number) of \(rounds) \(ProgressBar.bar(share: share)) \(percent(share))"
        }
      }
      bar.finish()
      report.add(result)
      say(report.line(of: result))
      try report.write()
      guard result.isGood else {
        say(report.complaint(about: result))
        throw ExitCode(1)
      }
      removeLogs(plan)
    }
    say(report.text)
  }

  /// At once, also into a file.
  private func say(_ text: String) {
    FileHandle.standardOutput.write(Data("\(text)\n".utf8))
  }

  private func orUnavailable<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      throw ExitCode(69)
    }
  }

  private var bootstrapServers: String? { cluster ?? NoidaBroker.externalBootstrapServers }

  private func makePlan() -> ChaosPlan {
    let cluster = bootstrapServers
    let canBeProxied = cluster.map { Cluster.localPort(of: $0) != nil } ?? true
    let possible = Fault.allCases.filter { fault in
      if cluster == nil, !fault.isFor(noidaWith: membership) { return false }
      return canBeProxied || !fault.isOfNetwork
    }
    return ChaosPlan(
      seed: seed, rounds: rounds, records: records, seconds: seconds, daemons: daemons,
      partitions: partitions, membership: membership,
      faults: faults.isEmpty ? possible : faults, pace: pace,
      holdOneIn: hold,
      holdMilliseconds: holdMilliseconds, outageSeconds: outage, patience: patience,
      program: program ?? SourceTree.product("sluice").path, previous: previous,
      cluster: cluster.map { Cluster(bootstrapServers: $0, replicas: replicas) }, folder: output)
  }

  private func removeLogs(_ plan: ChaosPlan) {
    for number in 0..<daemons {
      try? FileManager.default.removeItem(atPath: "\(plan.folder)/daemon-\(number).log")
    }
  }
}
