internal import Foundation
internal import StrictJSON
internal import Tracing

/// The body of a request to `/v1/traces` (OTLP/HTTP 1.x, JSON): field names of the protocol's
/// messages in lowerCamelCase, identifiers as hexadecimal digits, 64-bit numbers as texts.
struct OTLPDocument: Encodable {
  let resourceSpans: [ResourceSpans]

  struct ResourceSpans: Encodable {
    let resource: Resource
    let scopeSpans: [ScopeSpans]
  }

  struct Resource: Encodable {
    let attributes: [Attribute]
  }

  struct ScopeSpans: Encodable {
    let scope: Scope
    let spans: [Span]
  }

  struct Scope: Encodable {
    let name: String
    let version: String
  }

  struct Span: Encodable {
    let traceId: String
    let spanId: String
    let traceState: String?
    let parentSpanId: String?
    let flags: Int
    let name: String
    let kind: Int
    let startTimeUnixNano: String
    let endTimeUnixNano: String
    let attributes: [Attribute]
    let events: [Event]
    let links: [Link]
    let droppedLinksCount: Int
    let status: Status?
  }

  struct Event: Encodable {
    let timeUnixNano: String
    let name: String
    let attributes: [Attribute]
  }

  struct Link: Encodable {
    let traceId: String
    let spanId: String
    let traceState: String?
    let flags: Int
    let attributes: [Attribute]
  }

  struct Status: Encodable {
    let message: String?
    let code: Int
  }

  struct Attribute: Encodable {
    let key: String
    let value: Value
  }

  /// Exactly one of these is there.
  struct Value: Encodable {
    var stringValue: String?
    var boolValue: Bool?
    var intValue: String?
    var doubleValue: Double?
    var arrayValue: List?
  }

  struct List: Encodable {
    let values: [Value]
  }

  /// The spans of one program.
  ///
  /// - Parameter resource: what the program says of itself.
  init(_ spans: [EndedSpan], resource: SpanAttributes, version: String) {
    resourceSpans = [
      ResourceSpans(
        resource: Resource(attributes: Attribute.list(resource)),
        scopeSpans: [
          ScopeSpans(scope: Scope(name: "sluice", version: version), spans: spans.map(Span.init))
        ])
    ]
  }

  /// The document's text.
  func encoded() throws(JSONError) -> Data { try JSONCoder.encode(self) }
}

extension OTLPDocument.Span {
  init(_ span: EndedSpan) {
    self.init(
      traceId: span.context.trace, spanId: span.context.span, traceState: span.context.state,
      parentSpanId: span.parent, flags: span.context.flags, name: span.name,
      kind: Self.number(of: span.kind), startTimeUnixNano: "\(span.start)",
      endTimeUnixNano: "\(span.end)", attributes: OTLPDocument.Attribute.list(span.attributes),
      events: span.events.map {
        OTLPDocument.Event(
          timeUnixNano: "\($0.nanosecondsSinceEpoch)", name: $0.name,
          attributes: OTLPDocument.Attribute.list($0.attributes))
      }, links: span.links.compactMap(OTLPDocument.Link.init),
      droppedLinksCount: span.linksLeftOut,
      status: span.status.map {
        OTLPDocument.Status(message: $0.message, code: $0.code == .ok ? 1 : 2)
      })
  }

  /// The numbers of the protocol's enumeration.
  private static func number(of kind: SpanKind) -> Int {
    switch kind {
    case .internal: 1
    case .server: 2
    case .client: 3
    case .producer: 4
    case .consumer: 5
    }
  }
}

extension OTLPDocument.Link {
  /// nil for a link that leads out of every trace.
  init?(_ link: SpanLink) {
    guard let trace = link.context.trace else { return nil }
    self.init(
      traceId: trace.trace, spanId: trace.span, traceState: trace.state, flags: trace.flags,
      attributes: OTLPDocument.Attribute.list(link.attributes))
  }
}

extension OTLPDocument.Attribute {
  /// In the order of their names, so that equal spans are equal texts.
  static func list(_ attributes: SpanAttributes) -> [Self] {
    var list: [Self] = []
    attributes.forEach { list.append(Self(key: $0, value: OTLPDocument.Value($1))) }
    return list.sorted { $0.key < $1.key }
  }
}

extension OTLPDocument.Value {
  init(_ attribute: SpanAttribute) {
    switch attribute {
    case .int32(let number): intValue = "\(number)"
    case .int64(let number): intValue = "\(number)"
    case .double(let number): doubleValue = number
    case .bool(let flag): boolValue = flag
    case .string(let text): stringValue = text
    case .stringConvertible(let value): stringValue = "\(value)"
    case .int32Array(let numbers): arrayValue = .init(numbers.map { .int32($0) })
    case .int64Array(let numbers): arrayValue = .init(numbers.map { .int64($0) })
    case .doubleArray(let numbers): arrayValue = .init(numbers.map { .double($0) })
    case .boolArray(let flags): arrayValue = .init(flags.map { .bool($0) })
    case .stringArray(let texts): arrayValue = .init(texts.map { .string($0) })
    case .stringConvertibleArray(let values): arrayValue = .init(values.map { .string("\($0)") })
    default: stringValue = ""
    }
  }
}

extension OTLPDocument.List {
  init(_ attributes: [SpanAttribute]) { self.init(values: attributes.map(OTLPDocument.Value.init)) }
}
