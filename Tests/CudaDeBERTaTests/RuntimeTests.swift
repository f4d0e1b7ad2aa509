import CudaDeBERTa
import CudaDevice
import DeBERTa
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

extension EmulatedGPUTests {
  /// What happens around the kernels: lanes, recorded work, memory, failures.
  @Suite struct RuntimeTests {
    private static let folder = "v3-style"

    private func model(on cuda: EmulatedCuda) throws -> CudaClassifier {
      try EmulatedModel(GoldenCase.url(Self.folder).path, .fp16, on: cuda).classifier
    }

    private func texts() throws -> [[Int32]] {
      try GoldenCase.load(Self.folder).map(\.token_ids).filter { $0.count < 100 }
    }

    /// Each text alone, one launch at a time, again and again: the first time directly, then
    /// recorded, then replayed with other texts of other lengths in between.
    @Test func recordedWorkGivesTheSameBits() throws {
      let model = try model(on: EmulatedCuda())
      let texts = try texts()
      let first = try texts.map { try model.classify(TokenBatch([$0]))[0] }
      for round in 1...3 {
        for (index, text) in texts.enumerated().reversed() {
          #expect(try model.classify(TokenBatch([text])) == [first[index]], "round \(round)")
        }
      }
    }

    /// With the library, algorithms are chosen before work is recorded, and serve other sizes.
    @Test func recordedProductsOfTheLibraryGiveTheSameBits() throws {
      let cuda = try EmulatedCuda(libraries: ["libnvrtc.so.13", "libcublasLt.so.13"])
      let model = try model(on: cuda)
      try model.warmUp()
      let texts = try texts()
      let first = try texts.map { try model.classify(TokenBatch([$0]))[0] }
      _ = try model.classify(TokenBatch(texts + texts + texts))
      for (index, text) in texts.enumerated().reversed() {
        #expect(try model.classify(TokenBatch([text])) == [first[index]])
      }
    }

    /// More than both lanes hold at once: results come in the order of the sequences.
    @Test func largeBatchesAreCutAndPutTogether() throws {
      let model = try model(on: EmulatedCuda())
      let texts = try texts()
      let alone = try texts.map { try model.classify(TokenBatch([$0]))[0].unsafeProbability }
      let many = (0..<200).map { ($0 * 7) % texts.count }
      let batch = TokenBatch(many.map { texts[$0] })
      #expect(batch.tokens.count > 2 * 1024)
      let together = try model.classify(batch)
      #expect(together.count == many.count)
      for (index, logits) in zip(many, together) {
        #expect(abs(logits.unsafeProbability - alone[index]) < 1e-3)
      }
    }

    /// Whatever size is chosen, and while sizes are tried, results are the same.
    @Test func sizesOfBatchesAreTriedAndOneIsKept() throws {
      let model = try model(on: EmulatedCuda())
      let texts = try texts()
      let room = model.batchMax.tokens
      let alone = try texts.map { try model.classify(TokenBatch([$0]))[0].unsafeProbability }
      try model.chooseBatchSize(from: [room, room / 2], work: 128)
      #expect(model.batchTrials.map(\.tokens) == [room, room / 2])
      #expect(model.batchTrials.allSatisfy { $0.tokensPerSecond > 0 })
      try model.chooseBatchSize(from: [128], work: 128)
      #expect(model.batchMax.tokens == 128)
      let many = Array(repeating: texts, count: 8).flatMap { $0 }
      for (index, logits) in try model.classify(TokenBatch(many)).enumerated() {
        #expect(abs(logits.unsafeProbability - alone[index % texts.count]) < 1e-3)
      }
    }

    @Test func severalThreadsShareTheLanes() throws {
      let model = try model(on: EmulatedCuda())
      let texts = try texts()
      let alone = try texts.map { try model.classify(TokenBatch([$0]))[0].unsafeProbability }
      let wrong = Atomic(0)
      DispatchQueue.concurrentPerform(iterations: 4) { thread in
        for round in 0..<4 {
          let order = texts.indices.map { ($0 * 5 + thread + round) % texts.count }
          // Some of these need several lanes.
          let repeated = Array(repeating: order, count: round * thread + 1).flatMap { $0 }
          let found = try? model.classify(TokenBatch(repeated.map { texts[$0] }))
          let isRight =
            found?.count == repeated.count
            && zip(repeated, found ?? []).allSatisfy {
              abs($1.unsafeProbability - alone[$0]) < 1e-3
            }
          if !isRight { wrong.add(1, ordering: .relaxed) }
        }
      }
      #expect(wrong.load(ordering: .relaxed) == 0)
    }

    /// The weights fit and large batches do not: the batches become smaller, not the results wrong.
    @Test func littleMemoryMeansSmallerBatches() throws {
      let texts = try texts()
      let memory = 64 << 20
      let roomy = try EmulatedModel(
        EmulatedModel.guardTiny, .fp16, on: EmulatedCuda(memory: memory))
      let expected = try roomy.classifier.classify(TokenBatch(texts))
      let needed = memory - (try roomy.engine.freeBytes())
      let cuda = try EmulatedCuda(memory: 2 * needed - (1 << 20))
      let tight = try EmulatedModel(EmulatedModel.guardTiny, .fp16, on: cuda).classifier
      #expect(tight.packedTokensMax < roomy.classifier.packedTokensMax)
      let found = try tight.classify(TokenBatch(texts))
      for (expected, found) in zip(expected, found) {
        #expect(abs(expected.unsafeProbability - found.unsafeProbability) < 1e-3)
      }
    }

    /// A host with a driver and nothing else: kernels come from a folder, products from our kernel.
    @Test func cubinsOfAFolderNeedNoCompiler() throws {
      let complete = try EmulatedCuda()
      let folder = try TemporaryDirectory()
      let compiler = try KernelCompiler(search: LibrarySearch(only: [complete.path]))
      try CubinSource.compileAll(architecture: "sm_80", with: compiler) { name, cubin in
        try Data(cubin).write(to: URL(filePath: folder.path + "/" + name))
      }
      let bare = try EmulatedCuda(libraries: [])
      let search = LibrarySearch(only: [bare.path])
      let model = try LoadedModel(
        folder: GoldenCase.url(Self.folder).path, pool: EmulatedModel.pool)
      func classifier(_ environment: [String: String]) throws -> CudaClassifier {
        try CudaClassifier(
          model, precision: .fp16,
          engine: try CudaEngine(ordinal: 0, search: search, environment: environment))
      }
      #expect(throws: CudaFailure.self) { try classifier([:]) }
      let ready = try classifier(["SLUICE_CUBINS": folder.path])
      let text = try texts()[0]
      let expected = try self.model(on: complete).classify(TokenBatch([text]))
      #expect(try ready.classify(TokenBatch([text])) == expected)
    }

    @Test func noMemoryIsSaidSo() throws {
      let cuda = try EmulatedCuda(memory: 1 << 20)
      do {
        _ = try model(on: cuda)
        Issue.record("that fits?")
      } catch let failure as CudaFailure {
        guard case .outOfMemory = failure else {
          Issue.record("\(failure)")
          return
        }
      }
    }

    @Test func batchesThatCannotBeJudgedAreRefused() throws {
      let model = try model(on: EmulatedCuda())
      #expect(throws: BatchError.emptySequence(index: 1)) {
        try model.classify(TokenBatch([[1], []]))
      }
      #expect(throws: BatchError.unknownToken(sequence: 0)) {
        try model.classify(TokenBatch([[1, 1 << 20]]))
      }
      #expect(throws: BatchError.tooLong(sequence: 1, tokensMax: model.packedTokensMax / 4)) {
        try model.classify(
          TokenBatch([[1], [Int32](repeating: 5, count: model.packedTokensMax / 4 + 1)]))
      }
      #expect(try model.classify(TokenBatch()).isEmpty)
    }

    /// Every later call fails as well, and none waits for work that will not end.
    @Test func aLostDeviceIsAFailure() throws {
      let texts = try texts()
      let model: CudaClassifier
      do {
        let cuda = try EmulatedCuda(launches: 400)
        defer { withExtendedLifetime(cuda) {} }
        model = try self.model(on: cuda)
        var failure: BatchError?
        for _ in 0..<100 where failure == nil {
          do throws(BatchError) { _ = try model.classify(TokenBatch(texts)) } catch {
            failure = error
          }
        }
        guard case .device(let words) = failure else {
          Issue.record("the device was not lost")
          return
        }
        #expect(words.contains("CUDA_ERROR_LAUNCH_FAILED"))
        #expect(throws: BatchError.self) { try model.classify(TokenBatch(texts)) }
      }
    }

    @Test func turingHasNoBF16() throws {
      let cuda = try EmulatedCuda(architecture: 75)
      do {
        _ = try EmulatedModel(GoldenCase.url(Self.folder).path, .bf16, on: cuda)
        Issue.record("that runs?")
      } catch let failure as CudaFailure {
        guard case .unsupported = failure else {
          Issue.record("\(failure)")
          return
        }
      }
    }
  }
}
