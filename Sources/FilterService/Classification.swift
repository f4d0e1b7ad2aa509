internal import Basics
package import Guard
internal import Hosting
package import Pipeline
internal import Records
internal import StrictJSON
package import Wire

/// Judges exchanges that come as JSON lines, outside any stream: `sluice classify`.
package struct Classification: ~Copyable {
  private let model: GuardModel
  private let policy: Policy
  private let truncates: Bool
  private var decoder: ExchangeDecoder
  private let encoder = VerdictEncoder(echoesMetadata: true)
  /// Lines seen so far.
  package private(set) var lines = 0
  /// Lines that could not be judged.
  package private(set) var badLines = 0
  /// Token ids judged.
  package private(set) var tokens = 0

  /// - Parameter truncates: cut long texts as Hugging Face does instead of judging windows; for
  ///   comparisons with other engines only.
  package init(
    model: GuardModel, policy: Policy, truncates: Bool,
    conversations: ConversationRules = ConversationRules()
  ) {
    self.model = model
    self.policy = policy
    self.truncates = truncates
    decoder = ExchangeDecoder(defaultFormat: .json, conversations: conversations)
  }

  /// One output line for each input line, in order: a verdict, or `{"line": n, "error": "…"}`.
  ///
  /// - Throws: `ClassifierFailure` when the model itself fails.
  package mutating func judge(_ input: [[UInt8]]) throws(ClassifierFailure) -> [[UInt8]] {
    var outputs: [[UInt8]] = []
    var exchanges: [PreparedExchange] = []
    var places: [Int] = []
    for line in input {
      lines += 1
      switch prepare(line) {
      case .success(let exchange):
        places.append(outputs.count)
        exchanges.append(exchange)
        outputs.append([])
      case .failure(let problem):
        badLines += 1
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("line")
        writer.number(lines)
        writer.name("error")
        writer.text(problem.text)
        writer.endObject()
        outputs.append(writer.bytes)
      }
    }
    let time = WallClock.milliseconds()
    for (index, judgement) in try model.judge(exchanges.map(\.sequences)).enumerated() {
      tokens += judgement.tokens
      outputs[places[index]] = verdict(exchanges[index], judgement, time)
    }
    return outputs
  }

  /// Why a line could not be judged.
  private struct Problem: Error {
    let text: String

    init(_ text: String) { self.text = text }
  }

  private mutating func prepare(_ line: [UInt8]) -> Result<PreparedExchange, Problem> {
    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
      return .failure(Problem("the line is empty"))
    }
    do throws(DecodingFailure) {
      let exchange = try decoder.decode(line.span, as: .json)
      let sequences = try sequences(for: exchange)
      return .success(
        PreparedExchange(
          id: exchange.id ?? String(lines), metadata: exchange.metadata, sequences: sequences,
          coverage: sequences.coverage(of: exchange)))
    } catch {
      return .failure(Problem(error.detail))
    }
  }

  private func sequences(for exchange: Exchange) throws(DecodingFailure) -> ExchangeSequences {
    if truncates { return model.truncatedSequences(for: exchange) }
    do throws(TokenizationFailure) {
      return try model.sequences(for: exchange)
    } catch {
      throw DecodingFailure(reason: .tooLong, detail: error.detail)
    }
  }

  private func verdict(
    _ exchange: PreparedExchange, _ judgement: Judgement, _ time: Int64
  ) -> [UInt8] {
    let verdict = Verdict(
      on: exchange, judgement, policy.decide(judgement), policy: policy.name, model: model.model,
      precision: model.precision, source: nil, judgedAtMilliseconds: time)
    return encoder.encode(verdict, as: .json)
  }
}
