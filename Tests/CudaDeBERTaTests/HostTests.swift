import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import Glibc
import TestSupport
import Testing

extension EmulatedGPUTests {
  /// What the host gives a GPU, and has of it: memory, libraries, threads that wait.
  @Suite struct HostTests {
    private static let folder = GoldenCase.url("v3-style").path

    private func texts() throws -> [[Int32]] {
      try GoldenCase.load("v3-style").map(\.token_ids).filter { $0.count < 100 }
    }

    /// Where the host pins little memory for the GPU, batches are smaller, as where the GPU has
    /// little.
    @Test func littlePinnedMemoryMeansSmallerBatches() throws {
      let texts = try texts()
      let roomy = try EmulatedModel(Self.folder, .fp16, on: EmulatedCuda()).classifier
      let expected = try roomy.classify(TokenBatch(texts))
      let tight = try EmulatedModel(
        Self.folder, .fp16, on: EmulatedCuda(more: ["PINNED": 10_000])
      ).classifier
      #expect(tight.packedTokensMax < roomy.packedTokensMax)
      for (expected, found) in zip(expected, try tight.classify(TokenBatch(texts))) {
        #expect(abs(expected.unsafeProbability - found.unsafeProbability) < 1e-3)
      }
      #expect {
        _ = try EmulatedModel(Self.folder, .fp16, on: EmulatedCuda(more: ["PINNED": 10]))
      } throws: {
        if case .outOfPinnedMemory = $0 as? CudaFailure { true } else { false }
      }
    }

    /// Threads that wait for batches sleep, however many lanes there are.
    @Test func waitingTakesNoCore() throws {
      let cuda = try EmulatedCuda()
      let model = try EmulatedModel(Self.folder, .fp16, on: cuda).classifier
      let texts = try texts()
      _ = cuda.takeJournal()
      for count in [1, 10] {
        _ = try model.classify(TokenBatch(Array(repeating: texts, count: count).flatMap { $0 }))
      }
      let waits = cuda.takeJournal().map(\.what).filter { $0 == "slept" || $0 == "spun" }
      #expect(waits.count >= 3 && !waits.contains("spun"))
    }

    /// A launch that is refused fails its call only: no lane is given to the next one before it has
    /// done what it was given.
    @Test(arguments: [3, 30, 40])
    func aLaneIsGivenBackOnceItIsDone(refused: Int) throws {
      let texts = Array(repeating: try texts(), count: 10).flatMap { $0 }
      let expected = try EmulatedModel(Self.folder, .fp16, on: EmulatedCuda()).classifier
        .classify(TokenBatch(texts))
      let cuda = try EmulatedCuda(more: ["REFUSED_LAUNCH": -1])
      let model = try EmulatedModel(Self.folder, .fp16, on: cuda).classifier
      unsafe setenv("SLUICE_EMULATOR_REFUSED_LAUNCH", String(refused), 1)
      _ = cuda.takeJournal()
      #expect(throws: BatchError.self) { try model.classify(TokenBatch(texts)) }
      let journal = cuda.takeJournal()
      let given = Set(journal.filter { $0.what == "launched" }.map(\.stream))
      let waited = Set(journal.filter { $0.what == "spun" }.map(\.stream))
      #expect(!given.isEmpty && given.isSubset(of: waited))
      #expect(try model.classify(TokenBatch(texts)) == expected)
    }

    /// A library of a newer generation than the driver's may not start with it: the one that fits
    /// comes first, and where the first does not start, the next is tried.
    @Test(
      arguments: [
        (13_000, [12, 13], nil, 13), (12_080, [12, 13], nil, 12), (12_080, [13], nil, 13),
        (13_000, [12], nil, 12), (13_000, [12, 13], 13, 12), (12_080, [12, 13], 12, 13),
        (13_000, [13], 13, nil),
      ] as [(Int, [Int], Int?, Int?)])
    func theLibraryFitsTheDriver(
      driver: Int, there: [Int], refused: Int?, taken: Int?
    ) throws {
      let cuda = try EmulatedCuda(
        libraries: ["libnvrtc.so.13"],
        more: ["DRIVER": driver, "REFUSED_PRODUCTS": refused ?? -1])
      for generation in there {
        try FileManager.default.copyItem(
          atPath: SourceTree.product("libcuda-emulator.so").path,
          toPath: "\(cuda.path)/libcublasLt.so.\(generation)")
      }
      func engine() throws -> CudaEngine {
        try CudaEngine(ordinal: 0, search: LibrarySearch(only: [cuda.path]), environment: [:])
      }
      if let taken {
        #expect(try !engine().lacksProductLibrary)
        let started = cuda.takeJournal().filter { $0.what == "products" }.map(\.number)
        #expect(started == ["\(taken)"])
      } else {
        #expect(throws: CudaFailure.self) { try engine() }
      }
    }

    @Test func productsMayBeOurs() throws {
      let cuda = try EmulatedCuda(libraries: ["libnvrtc.so.13", "libcublasLt.so.13"])
      let engine = try CudaEngine(
        ordinal: 0, search: LibrarySearch(only: [cuda.path]),
        environment: [CudaEngine.productsVariable: "own"])
      #expect(engine.lacksProductLibrary)
    }

    /// Numbers that a GPU is measured with are numbers, in every format.
    @Test func measuredNumbersAreNumbers() {
      var bytes: Set<UInt8> = []
      for word in RandomOperands.words(4_096) {
        for shift in stride(from: 0, to: 64, by: 16) {
          let pair = UInt16(truncatingIfNeeded: word >> UInt64(shift))
          let half = Float(Float16(bitPattern: pair))
          let brain = Float(bitPattern: UInt32(pair) << 16)
          #expect(half.isFinite && abs(half) < 16 && abs(half) > 1e-3)
          #expect(brain.isFinite && abs(brain) < 16)
          bytes.formUnion([UInt8(truncatingIfNeeded: pair), UInt8(pair >> 8)])
        }
      }
      // E4M3 has no infinity; all ones behind the sign is no number.
      #expect(!bytes.contains(0x7f) && !bytes.contains(0xff) && bytes.count > 50)
    }
  }
}
