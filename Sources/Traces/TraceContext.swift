package import Tracing

/// Where a span stands in a trace, as programs tell each other (W3C Trace Context, level 2, header
/// `traceparent`).
package struct TraceContext: Hashable, Sendable {
  /// 16 bytes as 32 hexadecimal digits, not all of them 0.
  package let trace: String
  /// 8 bytes as 16 hexadecimal digits, not all of them 0.
  package let span: String
  /// Whether whoever began the trace keeps it.
  package let isSampled: Bool
  /// Whether the trace's last seven bytes are random, so that others may draw by them.
  package let isRandom: Bool
  /// What makers of tracers add (`tracestate`); passed on as it is.
  package var state: String?

  package init(
    trace: String, span: String, isSampled: Bool, isRandom: Bool = true, state: String? = nil
  ) {
    self.trace = trace
    self.span = span
    self.isSampled = isSampled
    self.isRandom = isRandom
    self.state = state
  }

  /// Reads `traceparent`; nil for what the specification calls invalid.
  package init?(traceparent text: String) {
    let bytes = Array(text.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == dash }),
      let version = Self.number(bytes[0..<2]), version != 0xff,
      // What a later version adds comes behind another dash.
      bytes.count == 55 || (version > 0 && bytes[55] == dash),
      let flags = Self.number(bytes[53..<55]),
      let trace = Self.identifier(bytes[3..<35]), let span = Self.identifier(bytes[36..<52])
    else { return nil }
    self.init(
      trace: trace, span: span, isSampled: flags & Self.sampled != 0,
      isRandom: flags & Self.random != 0)
  }

  /// The context as `traceparent` of version 0.
  package var traceparent: String { "00-\(trace)-\(span)-0\(flags)" }

  /// The flags that this version knows.
  var flags: Int { (isSampled ? Self.sampled : 0) | (isRandom ? Self.random : 0) }

  private static let sampled = 1
  private static let random = 2

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy(isHexadecimal) else { return nil }
    return Int(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private static func identifier(_ digits: ArraySlice<UInt8>) -> String? {
    guard digits.allSatisfy(isHexadecimal), digits.contains(where: { $0 != UInt8(ascii: "0") })
    else { return nil }
    return String(decoding: digits, as: UTF8.self)
  }
}

extension InstrumentationContext {
  private enum TraceKey: InstrumentationContextKey {
    typealias Value = TraceContext
  }
  private enum KeptKey: InstrumentationContextKey {
    typealias Value = Bool
  }

  /// The span that this context belongs to; nil outside any trace.
  package var trace: TraceContext? {
    get { self[TraceKey.self] }
    set { self[TraceKey.self] = newValue }
  }

  /// Keeps a trace that begins here without a draw: somebody drew for it already.
  package var isKept: Bool {
    get { self[KeptKey.self] ?? false }
    set { self[KeptKey.self] = newValue }
  }
}
