import Augmentation
import Basics
import DeBERTa
import Datasets
import Foundation
import HTTPClient
import Kafka
import LanguageModel
import ModelRegistry
import Records
import Settings
import Tokenizer
import Traces
import Wire

/// What comes from outside and is read by code of ours: each may say anything.
enum FuzzedInput: String, CaseIterable {
  case exchangeJSON = "exchange-json"
  case exchangeProtobuf = "exchange-protobuf"
  /// An exchange, and headers: content type, framing, sender's names.
  case record
  case verdict
  case label
  case settings
  case traceparent
  case topicPattern = "topic-pattern"
  case modelConfiguration = "model-configuration"
  /// A model's weights, and their index.
  case safetensors
  case tokenizerJSON = "tokenizer-json"
  case sentencePiece = "sentence-piece"
  /// Lines of a dataset.
  case dataset
  case modelVersion = "model-version"
  case manifest
  /// What members of a group write for one another.
  case groupAssignment = "group-assignment"
  /// How long a server wants to be left alone.
  case retryAfter = "retry-after"
  /// Answers of language models that an augmentation keeps.
  case journal
  /// What servers of language models answer.
  case modelAnswer = "model-answer"
  /// A store of labels in which single bytes were changed.
  case labelStore = "label-store"

  /// Reads the bytes as such an input; whatever they are, this returns.
  func read(_ bytes: [UInt8], in folder: ScratchFolder) {
    switch self {
    case .exchangeJSON: exchange(bytes, .json)
    case .exchangeProtobuf: exchange(bytes, .protobuf)
    case .record: record(bytes)
    case .verdict: verdict(bytes)
    case .label: label(bytes)
    case .settings: _ = try? Settings(yaml: text(bytes), file: "fuzz")
    case .traceparent: _ = TraceContext(traceparent: text(bytes))
    case .topicPattern: _ = try? TopicPattern(text(bytes))
    case .modelConfiguration: _ = try? ModelConfiguration(json: Data(bytes))
    case .safetensors:
      folder.write(bytes, to: "model.safetensors")
      _ = try? SafetensorsFile(folder: folder.path, name: "model.safetensors")
    case .tokenizerJSON:
      folder.write(bytes, to: "tokenizer.json")
      tokenize(folder)
    case .sentencePiece:
      folder.write(bytes, to: "spm.model")
      tokenize(folder)
    case .dataset:
      folder.write(bytes, to: "rows.jsonl")
      _ = try? DatasetFile.read(folder.path + "/rows.jsonl")
    case .modelVersion: _ = ModelVersion(text(bytes))
    case .manifest:
      folder.write(bytes, to: ModelManifest.fileName)
      _ = try? ModelManifest.read(folder: folder.path)
      _ = try? ModelDescription.read(folder: folder.path)
    case .groupAssignment: _ = GroupAssignment(bytes)
    case .retryAfter: _ = RetryAfter.parse(text(bytes), atMilliseconds: 1_764_000_000_000)
    case .journal: journal(bytes, in: folder)
    case .modelAnswer: answer(Data(bytes))
    case .labelStore: FuzzedLabelStore.read(patches: bytes, in: folder)
    }
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func exchange(_ bytes: [UInt8], _ format: PayloadFormat) {
    var decoder = ExchangeDecoder(defaultFormat: format)
    _ = try? decoder.decode(bytes.span, as: format)
  }

  /// The first line's bytes are the content type, the rest the payload.
  private func record(_ bytes: [UInt8]) {
    let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    var decoder = ExchangeDecoder(defaultFormat: .json)
    let headers = [Header(name: "content-type", value: Array(parts[0]))]
    _ = try? decoder.decode(parts.count > 1 ? Array(parts[1]) : [], headers: headers)
  }

  /// What can be read is written and read again to the same.
  private func verdict(_ bytes: [UInt8]) {
    var decoder = VerdictDecoder()
    for format in PayloadFormat.allCases {
      guard let verdict = try? decoder.decode(bytes, as: format) else { continue }
      let written = VerdictEncoder(echoesMetadata: true).encode(verdict, as: format)
      precondition((try? decoder.decode(written, as: format)) != nil, "cannot be read again")
    }
  }

  private func label(_ bytes: [UInt8]) {
    var decoder = TeacherLabelDecoder()
    for format in PayloadFormat.allCases { _ = try? decoder.decode(bytes, as: format) }
  }

  /// Lines behind a header that fits.
  private func journal(_ bytes: [UInt8], in folder: ScratchFolder) {
    let identity = ContentDigest(of: [])
    let path = folder.path + "/journal"
    folder.write([], to: "journal")
    do { _ = try? Journal(path: path, identity: identity) }
    guard let header = FileManager.default.contents(atPath: path) else { return }
    folder.write(Array(header) + bytes, to: "journal")
    _ = try? Journal(path: path, identity: identity)
  }

  private func answer(_ data: Data) {
    guard let body: AnswerBody = try? AnswerBody.decode(data) else { return }
    _ = try? body.check(url: "")
    _ = try? body.completion(without: "Sure", requests: 1, url: "")
  }

  private func tokenize(_ folder: ScratchFolder) {
    guard let tokenizer = try? TokenizerFolder.load(folder.path) else { return }
    _ = tokenizer.encode("How do I bake bread? Größe 北京 \u{200D}👩‍👩‍👧‍👦\n\0 x")
  }
}
