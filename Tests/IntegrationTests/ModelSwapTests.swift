import FilterService
import Foundation
import Guard
import Hosting
import Kafka
import Logging
import ModelRegistry
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Threading
import Wire

/// The daemon while its model is replaced under it.
@Suite(.serialized) struct ModelSwapTests {
  private static let partitionCount = 2
  private static let prompt = "How are you today?"

  /// Verdicts change from A to B in the middle of a stream, a broken C changes nothing, and every
  /// record has one verdict, in order.
  @Test func aPromotedModelTakesOverAndABrokenOneDoesNot() throws {
    let world = try SwapWorld()
    let (old, new) = (try world.register("v3-style"), try world.register("absolute-positions"))
    try world.registry.promote(old.version, by: "test", reason: "first")
    let stream = try world.start()
    var sent = 0
    var verdicts: [Verdict] = []

    sent += try world.send(200, from: sent)
    try world.receive(into: &verdicts) { $0.count >= 50 }
    try world.registry.promote(new.version, by: "test", reason: "better")
    while !verdicts.contains(where: { $0.model == new.name }) {
      sent += try world.send(10, from: sent)
      try world.receive(into: &verdicts) { $0.count >= sent - 100 }
      try #require(sent < 20_000, "the new model never judged: \(world.events)")
    }

    let judgedByNew = verdicts.count
    try world.breakCurrent(like: "absolute-positions")
    try world.wait { world.events.contains { if case .refused = $0 { true } else { false } } }
    sent += try world.send(200, from: sent)
    try world.receive(into: &verdicts) { $0.count >= sent }
    world.stop(stream)

    try check(verdicts, sent: sent, old: old, new: new)
    #expect(verdicts[judgedByNew...].allSatisfy { $0.model == new.name })
    #expect(world.live.figures.swaps == 1)
    #expect(world.live.figures.refusals == 1)
    #expect(world.live.current.model == new.name)
  }

  private func check(
    _ verdicts: [Verdict], sent: Int, old: SwapWorld.Registered, new: SwapWorld.Registered
  ) throws {
    #expect(verdicts.count == sent)
    for partition in 0..<Int32(Self.partitionCount) {
      let own = verdicts.filter { $0.source?.partition == Partition(partition) }
      let offsets = own.compactMap { $0.source?.offset.rawValue }
      #expect(
        offsets == Array(0..<Int64(sent / Self.partitionCount)), "lost, repeated or reordered")
      // One thread prepares here, so each partition sees the models in their order.
      let firstOfNew = own.firstIndex { $0.model == new.name } ?? own.endIndex
      #expect(own[..<firstOfNew].allSatisfy { $0.model == old.name })
      #expect(own[firstOfNew...].allSatisfy { $0.model == new.name })
    }
    for model in [old, new] {
      let expected = try model.score(Self.prompt)
      let own = verdicts.filter { $0.model == model.name }
      #expect(!own.isEmpty)
      #expect(own.allSatisfy { abs($0.judgement.score.rawValue - expected) < 1e-5 })
    }
  }

  /// The real program looks for itself where the link leads.
  @Test func theDaemonFollowsTheLinkByItself() throws {
    let world = try SwapWorld()
    let (old, new) = (try world.register("v3-style"), try world.register("absolute-positions"))
    try world.registry.promote(old.version, by: "test", reason: "first")
    let daemon = try DaemonProcess(settings: world.yaml(pollSeconds: 1))
    try world.registry.promote(new.version, by: "test", reason: "better")
    try world.wait { daemon.log.contains("model replaced") }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }

  /// What the service manager hears of reloads, from the real program.
  @Test func aReloadIsToldToTheServiceManager() throws {
    let world = try SwapWorld()
    let (old, new) = (try world.register("v3-style"), try world.register("absolute-positions"))
    try world.registry.promote(old.version, by: "test", reason: "first")
    let daemon = try DaemonProcess(settings: world.yaml(pollSeconds: 0))
    try world.registry.promote(new.version, by: "test", reason: "better")
    daemon.process.send(signal: SIGHUP)
    #expect(daemon.notify.hears("RELOADING=1\nMONOTONIC_USEC=", within: .seconds(30)))
    #expect(
      daemon.notify.hears("READY=1\nSTATUS=judging with \(new.name)", within: .seconds(60)),
      "\(daemon.log)")
    let maps = try String(
      contentsOfFile: "/proc/\(daemon.process.processIdentifier)/maps", encoding: .utf8)
    let mapped = maps.split(separator: "\n").filter { $0.hasSuffix("model.safetensors") }
    #expect(mapped.count == 1, "the old model's memory is given back")
    #expect(mapped.first?.contains(new.version.description) == true)
    try world.breakCurrent(like: "v3-style")
    daemon.process.send(signal: SIGHUP)
    #expect(
      daemon.notify.hears("a new model was refused", within: .seconds(60)), "\(daemon.log)")
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    #expect(daemon.log.split(separator: "\n").filter { $0.contains("model refused") }.count == 1)
  }
}

extension ModelSwapTests {
  /// A challenger scores what the champion judged, and the verdicts are the champion's alone.
  @Test func aShadowIsMeasuredAndChangesNothing() throws {
    let world = try SwapWorld()
    let (champion, challenger) = (
      try world.register("v3-style"), try world.register("absolute-positions")
    )
    try world.registry.promote(champion.version, by: "test", reason: "first")
    let address = "127.0.0.1:\(freeLoopbackPort())"
    let (first, second) = (
      try champion.score(Self.prompt), try challenger.score(Self.prompt)
    )
    // Between the two scores, so that they disagree.
    let threshold = (first + second) / 2
    let yaml =
      world.yaml(pollSeconds: 1, listen: address).replacing(
        "dead_letters: dead", with: "dead_letters: dead, disagreements: disagreements")
      + "\nshadow: {path: \(world.registry.folder(of: challenger.version)), share: 1}"
      + "\npolicies: {default: {threshold: \(threshold)}}\n"
    let settings = try Settings(yaml: yaml, file: "test")
    let daemon = try DaemonProcess(settings: yaml)
    let page = try #require(URL(string: "http://\(address)/metrics"))
    func metrics() -> String {
      String(decoding: (try? Data(contentsOf: page)) ?? Data(), as: UTF8.self)
    }
    try world.wait { daemon.log.contains("shadow model loaded") }
    let clients = try KafkaClients(settings: settings, environment: [:], events: KafkaEvents())
    try world.connect(clients)
    let sent = try world.send(100, from: 0)
    var verdicts: [Verdict] = []
    try world.receive(into: &verdicts) { $0.count >= sent }
    #expect(verdicts.allSatisfy { $0.model == champion.name })
    try world.wait { metrics().contains("sluice_shadow_difference_count 100\n") }
    let text = metrics()
    let flaggedBy = first > second ? "champion" : "challenger"
    let name = "challenger=\"\(challenger.name)\",flagged_by=\"\(flaggedBy)\""
    #expect(text.contains("sluice_shadow_flags_total{\(name)} 100\n"), "\(text)")
    #expect(text.contains("sluice_shadow_dropped_total 0\n"))
    #expect(text.contains("sluice_shadow_unpublished_total 0\n"))
    var copies: Set<SourcePosition> = []
    try world.wait {
      let reader = try? clients.makeTopicReader(of: ["disagreements"], from: .beginning)
      try? reader?.readAll(idleMax: .seconds(10)) { records in
        for record in records where record.value != nil {
          guard let disagreement = Disagreement(headers: record.headers),
            disagreement.model == champion.name, disagreement.challenger == challenger.name
          else { continue }
          copies.insert(disagreement.source)
        }
      }
      return copies.count >= sent
    }
    #expect(copies == Set(verdicts.compactMap(\.source)))
    #expect(text.contains("sluice_model_info{model=\"\(champion.name)\",hash=\""))
    #expect(text.contains("sluice_model_swaps_total 0\n"))
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }
}

/// A mock broker, a registry and a daemon that follows it.
private final class SwapWorld {
  /// A golden model in the registry.
  struct Registered {
    let version: ModelVersion
    /// As verdicts show it.
    let name: String
    let model: GuardModel

    /// What the model says of a prompt alone.
    func score(_ prompt: String) throws -> Float {
      let sequences = try model.sequences(for: Exchange(prompt: prompt))
      return try model.scores(sequences.prompt).max()?.rawValue ?? .nan
    }
  }

  let directory: TemporaryDirectory
  let cluster: MockCluster
  let registry: ModelRegistry
  private let pool = WorkerPool(workers: 1)
  private let told = Monitor<[ModelReplacement.Event]>([])
  private(set) var live: LiveModel
  private var decoder = VerdictDecoder()
  private var reader: KafkaConsumer?
  private var producer: KafkaProducer?

  init() throws {
    directory = try TemporaryDirectory()
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead", "disagreements"] {
      try cluster.createTopic(topic, partitions: 2)
    }
    registry = ModelRegistry(path: directory.path + "/models")
    live = LiveModel(
      try GuardModel(settings: ModelSettings(path: GoldenCase.url("v3-style").path), pool: pool))
  }

  var events: [ModelReplacement.Event] { told.withLock { $0 } }

  func register(_ golden: String) throws -> Registered {
    let folder = GoldenCase.url(golden).path
    let model = try GuardModel(settings: ModelSettings(path: folder), pool: pool)
    let manifest = try registry.register(
      ModelCandidate(folder: folder, hash: model.hash), by: "test", reason: "test")
    let name = "\(manifest.version)@\(manifest.version.hashPrefix)"
    return Registered(version: manifest.version, name: name, model: model)
  }

  func yaml(pollSeconds: Int, listen: String = "none") -> String {
    """
    kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: swap}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(registry.path)/current, poll_seconds: \(pollSeconds)}
    engine: {threads: 1}
    preparation_threads: 1
    telemetry: {listen: "\(listen)"}
    """
  }

  /// The running parts: the stream, and what follows the registry.
  struct Running {
    let daemon: FilterDaemon
    let replacement: ModelReplacement
    let threads: [BlockingThread]
  }

  func start() throws -> Running {
    let settings = try Settings(yaml: yaml(pollSeconds: 1), file: "test")
    let clients = try KafkaClients(settings: settings, environment: [:], events: KafkaEvents())
    let loader = ModelLoader(settings: settings.model, pool: pool)
    live = LiveModel(try loader.load())
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let daemon = try FilterDaemon(
      settings: settings, guard: live, clients: clients, logger: logger)
    let replacement = ModelReplacement(
      of: live, from: loader.target, target: { loader.target },
      load: { (folder) throws(GuardModelFailure) in
        try loader.load(folder: folder, loadingPool: WorkerPool(workers: 1))
      },
      pollInterval: .milliseconds(10),
      report: { [told] event in told.update { $0.append(event) } }
    )
    try connect(clients)
    return Running(
      daemon: daemon, replacement: replacement,
      threads: [
        BlockingThread(name: "stream") { _ = daemon.run() },
        BlockingThread(name: "model") { replacement.run() },
      ])
  }

  /// Makes ready to send and receive.
  func connect(_ clients: KafkaClients) throws {
    reader = try clients.makeReader(of: ["verdicts", "dead"])
    producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
  }

  func stop(_ running: Running) {
    running.daemon.stop()
    running.replacement.stop()
    for thread in running.threads { thread.join() }
  }

  /// Sends exchanges, evenly over the partitions, and returns how many.
  func send(_ count: Int, from first: Int) throws -> Int {
    let records = (first..<first + count).map { number in
      OutputRecord(
        topic: "in", partition: Partition(Int32(number % 2)), key: nil,
        value: Array(#"{"id": "\#(number)", "prompt": "How are you today?"}"#.utf8))
    }
    try producer?.send(records, timeout: .seconds(30))
    try producer?.flush(timeout: .seconds(30))
    return count
  }

  struct TimeIsUp: Error {}

  /// Reads verdicts until `isEnough`.
  func receive(into verdicts: inout [Verdict], until isEnough: ([Verdict]) -> Bool) throws {
    let end = ContinuousClock.now + .seconds(90)
    var records: [InputRecord] = []
    while !isEnough(verdicts) {
      if ContinuousClock.now > end { throw TimeIsUp() }
      records.removeAll()
      try reader?.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
      for record in records {
        verdicts.append(try decoder.decode(record.value ?? [], as: .json))
      }
    }
  }

  func wait(until isTrue: () -> Bool) throws {
    if !comesAbout(isTrue) { throw TimeIsUp() }
  }

  /// Lets `current` lead to a version whose weights are cut off, as no registry would.
  func breakCurrent(like golden: String) throws {
    let name = "2099-01-01T00-00-00Z-00000000"
    let folder = "\(registry.path)/\(name)"
    try FileManager.default.copyItem(atPath: GoldenCase.url(golden).path, toPath: folder)
    let weights = URL(filePath: "\(folder)/model.safetensors")
    let data = try Data(contentsOf: weights)
    try data.prefix(data.count / 2).write(to: weights)
    let link = "\(registry.path)/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: name)
    #expect(unsafe rename(link, "\(registry.path)/current") == 0)
  }
}
