internal import Foundation
internal import Pipeline
internal import Records
internal import StrictJSON

extension GuardModel {
  /// The file in a model folder with exchanges that the model must judge as its maker saw it do.
  package static let selfTestFile = "selftest.jsonl"
  private static let selfTestLinesMax = 1_000

  /// Judges a few exchanges of all shapes, and those of the folder's `selftest.jsonl`.
  ///
  /// A line of that file is `{"prompt": …, "response": …, "score": 0.97, "tolerance": 0.001}`; the
  /// last three may be absent, and `score` is P(unsafe) of all that the settings let be judged.
  /// Without a tolerance it may differ by 0.001, of a model that multiplies narrower numbers than
  /// 32-bit floats by 0.05.
  ///
  /// - Throws: `GuardModelFailure.unusable`, naming the line, when an exchange cannot be judged or
  ///   the score is another.
  package func selfTest(folder: String) throws(GuardModelFailure) {
    let long = String(repeating: "The quick brown fox jumps over the lazy dog. ", count: 60)
    let built = [
      SelfTestCase(prompt: ""), SelfTestCase(prompt: "How do I bake bread?"),
      SelfTestCase(prompt: "Wie geht es dir? 你好 👋", response: "[SEP] [CLS] \u{0}"),
      SelfTestCase(prompt: long),
    ]
    for (index, test) in built.enumerated() {
      do throws(SelfTestCase.Mistake) {
        try check(test)
      } catch {
        // A small window may need more sequences for the long text than the settings allow.
        if error == .tooLong { continue }
        throw .unusable("\(folder): self-test \(index + 1): \(error.words)")
      }
    }
    let path = "\(folder)/\(Self.selfTestFile)"
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unusable("\(path): cannot be read")
    }
    let lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
      .prefix(Self.selfTestLinesMax)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do throws(SelfTestCase.Mistake) {
        guard let test = try? JSONCoder.decode(SelfTestCase.self, from: line) else {
          throw .malformed
        }
        try check(test)
      } catch {
        throw .unusable("\(path):\(index + 1): \(error.words)")
      }
    }
  }

  private func check(_ test: SelfTestCase) throws(SelfTestCase.Mistake) {
    let exchange = Exchange(prompt: test.prompt, response: test.response)
    let prepared: ExchangeSequences
    do throws(TokenizationFailure) {
      prepared = try sequences(for: exchange)
    } catch {
      throw .tooLong
    }
    let score: Double
    do throws(ClassifierFailure) {
      score = Double(try judge([prepared]).first?.score.rawValue ?? .nan)
    } catch {
      throw .unjudged(error.detail)
    }
    guard (0...1).contains(score) else { throw .notAProbability }
    guard let expected = test.score else { return }
    let difference = abs(score - expected)
    let tolerance = test.tolerance ?? (precision == "fp32" ? 1e-3 : 0.05)
    if difference > tolerance { throw .differs(difference) }
  }
}

/// An exchange with the score that it should have.
private struct SelfTestCase: Decodable {
  enum Mistake: Error, Equatable {
    case malformed
    case tooLong
    case unjudged(String)
    case notAProbability
    case differs(Double)

    var words: String {
      switch self {
      case .malformed: "is not a self-test: expected an object with prompt"
      case .tooLong: "needs more windows than windows_max allows"
      case .unjudged(let detail): detail
      case .notAProbability: "the score is no probability"
      case .differs(let difference): "the score differs from the expected one by \(difference)"
      }
    }
  }

  let prompt: String
  var response: String?
  var score: Double?
  var tolerance: Double?
}
