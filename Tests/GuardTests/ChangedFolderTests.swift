import Basics
import Foundation
import Glibc
import Guard
import Pipeline
import Records
import Settings
import Synchronization
import Tensors
import TestSupport
import Testing
import Threading

/// Model folders that somebody writes into while they are read, or while their model judges.
@Suite struct ChangedFolderTests {
  private let directory: TemporaryDirectory
  private let folder: String
  private var weights: String { folder + "/model.safetensors" }

  init() throws {
    directory = try TemporaryDirectory()
    folder = directory.path + "/model"
    try FileManager.default.copyItem(atPath: GoldenCase.url("v3-style").path, toPath: folder)
  }

  private func load() throws -> GuardModel {
    try GuardModel(settings: ModelSettings(path: folder), pool: WorkerPool(workers: 1))
  }

  private func score(_ model: GuardModel) throws -> Score {
    try model.scores([TokenSequence([1, 300, 301, 302, 2])])[0]
  }

  /// Writes bytes somewhere into a file as it lies there.
  private func write(_ bytes: [UInt8], at place: Int, of path: String) throws {
    let file = unsafe open(path, O_WRONLY)
    #expect(file >= 0)
    defer { close(file) }
    #expect(unsafe pwrite(file, bytes, bytes.count, place) == bytes.count)
  }

  private var weightBytes: Int {
    ((try? FileManager.default.attributesOfItem(atPath: weights))?[.size] as? Int) ?? 0
  }

  @Test(arguments: ["a byte of it", "more of it", "the same again"])
  func whatIsWrittenIntoALiveModelEndsIt(change: String) throws {
    let model = try load()
    let before = try score(model)
    #expect(try score(model) == before)
    usleep(20_000)  // sleeps: the clock of files goes in steps
    switch change {
    case "a byte of it": try write([7], at: weightBytes - 1, of: weights)
    case "more of it": try write([7], at: weightBytes, of: weights)
    default:
      let bytes = try Data(contentsOf: URL(filePath: weights))
      try write(Array(bytes), at: 0, of: weights)
    }
    for _ in 0..<2 {
      let failure = #expect(throws: ClassifierFailure.self) { try score(model) }
      #expect(failure?.isFatal == true)
      #expect(failure?.detail.hasPrefix("\(weights) was changed in place") == true)
    }
  }

  /// What takes a file's name, or removes the folder, does not touch what is mapped.
  @Test func anotherFileOfTheNameChangesNothing() throws {
    let model = try load()
    let before = try score(model)
    try Data(count: 100).write(to: URL(filePath: weights + ".new"))
    #expect(unsafe rename(weights + ".new", weights) == 0)
    #expect(try score(model) == before)
    try write([7], at: 3, of: weights)
    #expect(try score(model) == before)
    try FileManager.default.removeItem(atPath: folder)
    #expect(try score(model) == before)
    #expect(throws: GuardModelFailure.self) { try load() }
  }

  /// A temperature, a tokenizer or weights that change while a model is loaded: what is loaded is
  /// the one or the other, by its hash and by its scores, or nothing.
  @Test(arguments: ["model.safetensors", "sluice.json", "config.json"])
  func aFolderThatChangesMeanwhileIsOneOrTheOther(name: String) throws {
    let path = folder + "/" + name
    let texts: [[UInt8]]
    switch name {
    case "sluice.json":
      texts = ["1.5", "0.5"].map {
        Array(#"{"calibration": {"temperature": \#($0)}}"#.utf8)
      }
    case "config.json":
      let text = try String(contentsOfFile: path, encoding: .utf8)
      let other = text.replacing("\"layer_norm_eps\": 1e-07", with: "\"layer_norm_eps\": 1e-02")
      #expect(other != text)
      texts = [Array(text.utf8), Array(other.utf8)]
    default:
      let bytes = Array(try Data(contentsOf: URL(filePath: path)))
      texts = [bytes, bytes.dropLast(4) + [0, 0, 0x80, 0x3f]]
    }
    var known: [String: Score] = [:]
    for text in texts {
      try Data(text).write(to: URL(filePath: path))
      let model = try load()
      known[model.hash] = try score(model)
    }
    #expect(known.count == 2)

    // Where they differ: so few bytes are written at once.
    let differing = texts[0].indices.filter { texts[0][$0] != texts[1][$0] }
    let range = (differing.first ?? 0)...(differing.last ?? 0)
    let isOver = Mutex(false)
    let writer = BlockingThread(name: "writer") { [self] in
      var turn = 0
      while !isOver.withLock({ $0 }) {
        try? write(Array(texts[turn % 2][range]), at: range.lowerBound, of: path)
        turn += 1
        usleep(UInt32(turn * 7919 % 90_000))  // sleeps: between loads, and within them
      }
    }
    var loads = 0
    var refusals = 0
    let end = ContinuousClock.now + .seconds(4)
    while ContinuousClock.now < end {
      do {
        let model = try load()
        guard let score = try? score(model) else { continue }
        loads += 1
        #expect(known[model.hash] == score)
      } catch {
        refusals += 1
      }
    }
    isOver.withLock { $0 = true }
    writer.join()
    #expect(loads + refusals > 5)
  }
}
