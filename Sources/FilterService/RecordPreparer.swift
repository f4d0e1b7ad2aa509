package import Guard
package import Pipeline
package import Records
package import Wire

/// Decodes and tokenizes records, one thread each.
package struct RecordPreparer: ~Copyable {
  private let tombstones: TombstonePolicy
  private var decoder: ExchangeDecoder

  /// A preparer with buffers of its own.
  package init(
    defaultFormat: PayloadFormat, tombstones: TombstonePolicy,
    conversations: ConversationRules = ConversationRules()
  ) {
    self.tombstones = tombstones
    decoder = ExchangeDecoder(defaultFormat: defaultFormat, conversations: conversations)
  }

  /// The record's preparation for a model, with its content's digest where that is asked for;
  /// whatever is wrong with the record becomes a dead letter.
  package mutating func prepare(
    _ item: StreamItem, for model: any StreamModel, digestsContent: Bool = false
  ) -> PreparedItem {
    var format = decoder.defaultFormat
    do throws(DecodingFailure) {
      format = try decoder.format(of: item.record.headers)
      guard let payload = item.record.value else {
        return PreparedItem(item: item, format: format, preparation: tombstone, for: model)
      }
      let exchange = try decoder.decode(payload.span, as: format)
      return PreparedItem(
        item: item, format: format, tenant: exchange.tenant,
        preparation: prepare(
          exchange, source: item.record.source, with: model, digestsContent: digestsContent),
        for: model)
    } catch {
      return PreparedItem(
        item: item, format: format, preparation: .deadLetter(error.reason, detail: error.detail),
        for: model)
    }
  }

  private func prepare(
    _ exchange: Exchange, source: SourcePosition, with tokenizer: any ExchangeTokenizer,
    digestsContent: Bool
  ) -> Preparation {
    do throws(TokenizationFailure) {
      let sequences = try tokenizer.sequences(for: exchange)
      return .judge(
        PreparedExchange(
          id: exchange.id ?? source.description, metadata: exchange.metadata,
          sequences: sequences, cut: tokenizer.cut, coverage: sequences.coverage(of: exchange),
          content: digestsContent ? ExceptionSubject(exchange).content : nil))
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
