package import Guard
package import Pipeline
package import Records
internal import Wire

/// Decodes and tokenizes records, one thread each.
package struct RecordPreparer: ~Copyable {
  private let tokenizer: any ExchangeTokenizer
  private let tombstones: TombstonePolicy
  private var decoder: ExchangeDecoder

  /// A preparer with buffers of its own.
  package init(
    tokenizer: any ExchangeTokenizer, defaultFormat: PayloadFormat, tombstones: TombstonePolicy
  ) {
    self.tokenizer = tokenizer
    self.tombstones = tombstones
    decoder = ExchangeDecoder(defaultFormat: defaultFormat)
  }

  /// The record's preparation; whatever is wrong with the record becomes a dead letter.
  package mutating func prepare(_ item: StreamItem) -> PreparedItem {
    var format = decoder.defaultFormat
    do throws(DecodingFailure) {
      format = try decoder.format(of: item.record.headers)
      guard let payload = item.record.value else {
        return PreparedItem(item: item, format: format, preparation: tombstone)
      }
      let exchange = try decoder.decode(payload.span, as: format)
      let preparation = prepare(exchange, source: item.record.source)
      return PreparedItem(item: item, format: format, preparation: preparation)
    } catch {
      return PreparedItem(
        item: item, format: format, preparation: .deadLetter(error.reason, detail: error.detail))
    }
  }

  private func prepare(_ exchange: Exchange, source: SourcePosition) -> Preparation {
    do throws(TokenizationFailure) {
      let sequences = try tokenizer.sequences(for: exchange)
      return .judge(
        PreparedExchange(
          id: exchange.id ?? source.description, tenant: exchange.tenant,
          metadata: exchange.metadata, promptSequences: sequences.prompt,
          responseSequences: sequences.response))
    } catch {
      return .deadLetter(.tooLong, detail: error.detail)
    }
  }

  private var tombstone: Preparation {
    switch tombstones {
    case .skip: .skip
    case .forward: .forwardTombstone
    case .deadLetter: .deadLetter(.tombstone, detail: "the record has no payload")
    }
  }
}
