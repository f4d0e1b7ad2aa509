import Foundation
import Glibc
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Wire

/// Somebody copies files over those of the model that judges. No verdict comes of a mixture, and
/// the next daemon goes on with what lies there then.
@Suite(.serialized) struct ModelFolderFaultTests {
  private static let words = 20

  private let directory: TemporaryDirectory
  private var folder: String { directory.path + "/guard" }
  private var weights: String { folder + "/model.safetensors" }

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: SourceTree.url("Tests/Fixtures/guard-tiny").path, toPath: folder)
  }

  private func load(_ path: String) throws -> GuardModel {
    var settings = ModelSettings(path: path)
    settings.name = "guard"
    return try GuardModel(settings: settings, pool: WorkerPool(workers: 1))
  }

  @Test(arguments: ["other bytes", "a shorter file"])
  func verdictsAreOfOneModelOrTheOther(change: String) throws {
    let world = try ExchangeWorld(count: 3_000, words: Self.words)
    defer { world.broker.stop() }
    let original = SourceTree.url("Tests/Fixtures/guard-tiny").path
    let settings =
      world.settings.replacing(original, with: folder) + "\nengine: {precision: fp32}"
    let old = try load(original)
    let daemon = try DaemonProcess(settings: settings)
    let reader = try world.reader(isolation: "read_committed")
    var seen: [InputRecord] = []
    try world.poll(reader, into: &seen) { $0.count >= 100 }

    let whole = try Data(contentsOf: URL(filePath: weights))
    let file = unsafe open(weights, O_WRONLY)
    if change == "a shorter file" {
      #expect(ftruncate(file, off_t(whole.count / 3)) == 0)
    } else {
      let zeros = [UInt8](repeating: 0, count: 1 << 20)
      #expect(unsafe pwrite(file, zeros, zeros.count, off_t(whole.count / 2)) == zeros.count)
    }
    close(file)
    let end = daemon.process.wait(within: .seconds(60))
    if change == "a shorter file" {
      // Whoever touches what is not there any more; or the change is seen first.
      #expect(end == .killed(signal: SIGBUS) || end == .exited(70))
      // Half a model is no model.
      let half = try ChildProcess(
        DaemonProcess.program, ["serve", "--config", daemon.directory.path + "/sluice.yaml"])
      #expect(half.wait(within: .seconds(60)) == .exited(66))
      try whole.write(to: URL(filePath: weights))
    } else {
      #expect(end == .exited(70), "\(daemon.log)")
      #expect(daemon.log.contains("\(weights) was changed in place"), "\(daemon.log)")
    }

    let next = try DaemonProcess(settings: settings)
    let outputs = try world.readCommitted()
    #expect(next.process.stop(within: .seconds(60)) == .exited(0), "\(next.log)")
    try check(outputs, count: world.count, models: [old, try load(folder)])
  }

  /// One verdict each, in order, and each score is that of the model that the verdict names.
  private func check(_ outputs: [InputRecord], count: Int, models: [GuardModel]) throws {
    var decoder = VerdictDecoder()
    var offsets: [Partition: [Int64]] = [:]
    let known = Dictionary(models.map { ($0.model, $0) }) { first, _ in first }
    var judged: Set<String> = []
    for (index, output) in outputs.enumerated() {
      let verdict = try decoder.decode(output.value ?? [], as: .json)
      let source = try #require(verdict.source)
      offsets[source.partition, default: []].append(source.offset.rawValue)
      judged.insert(verdict.model)
      let model = try #require(known[verdict.model], "\(verdict.model)")
      guard index % 10 == 0 else { continue }
      let rest = String(repeating: " word", count: Self.words)
      let exchange = Exchange(prompt: "How are you, number \(verdict.id)?\(rest)", response: nil)
      let expected = try model.judge([model.sequences(for: exchange)])[0].score
      #expect(abs(verdict.judgement.score.rawValue - expected.rawValue) < 1e-5)
    }
    for own in offsets.values { #expect(own == Array(0..<Int64(count / 3))) }
    #expect(outputs.count == count && judged == Set(known.keys))
  }
}
