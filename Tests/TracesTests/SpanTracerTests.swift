import Foundation
import HTTPClient
import TestSupport
import Testing
import Traces
import Tracing

/// Which spans are made, and where they belong.
@Suite struct SpanTracerTests {
  private struct Carrier: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
      carrier[key] = value
    }
  }

  private func tracer(share: Double) throws -> SpanTracer {
    let url = try #require(URL(string: "http://127.0.0.1:1/v1/traces"))
    return SpanTracer(
      sampleShare: share,
      exporter: SpanExporter(to: .init(url: url), over: CurlTransport(connectionsMax: 1)))
  }

  private func extracted(_ headers: [String: String]) throws -> InstrumentationContext {
    var context = InstrumentationContext.topLevel
    try tracer(share: 0).extract(headers, into: &context, using: Carrier())
    return context
  }

  private static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test func aSpanBelongsToItsParentsTrace() throws {
    let context = try extracted(["traceparent": Self.parent, "tracestate": "a=1,b=2"])
    let span = try tracer(share: 0).startSpan("work", context: context)
    #expect(span.isRecording)
    let own = try #require(span.context.trace)
    #expect(own.trace == "0af7651916cd43dd8448eb211c80319c")
    #expect(own.span != "b7ad6b7169203331" && own.span.count == 16)
    var headers: [String: String] = [:]
    try tracer(share: 0).inject(span.context, into: &headers, using: Carrier())
    #expect(headers["traceparent"] == "00-\(own.trace)-\(own.span)-01")
    #expect(headers["tracestate"] == "a=1,b=2")
  }

  @Test func aTraceThatNobodyKeepsIsNotKeptHere() throws {
    let context = try extracted(["traceparent": Self.parent.dropLast(2) + "00"])
    #expect(try !tracer(share: 1).startSpan("work", context: context).isRecording)
  }

  @Test(arguments: [
    "a=\u{1}", "a=\u{e4}", String(repeating: "a", count: 513), "", "a=1\r\nX: y",
  ])
  func aStateThatCannotBeOneIsLeftOut(state: String) throws {
    let context = try extracted(["traceparent": Self.parent, "tracestate": state])
    #expect(context.trace?.state == nil && context.trace != nil)
  }

  @Test func aStateWithoutAParentIsNothing() throws {
    #expect(try extracted(["tracestate": "a=1"]).trace == nil)
    #expect(try extracted(["traceparent": "garbage", "tracestate": "a=1"]).trace == nil)
  }

  /// 20,000 draws lie within five standard deviations of the share.
  @Test(arguments: [0, 0.001, 0.25, 1])
  func theShareOfTracesThatBeginHereIsKept(share: Double) throws {
    let tracer = try tracer(share: share)
    let count = 20_000
    let kept = (0..<count).filter { _ in
      tracer.startSpan("work", context: .topLevel).isRecording
    }.count
    let deviation = (Double(count) * share * (1 - share)).squareRoot()
    #expect(abs(Double(kept) - share * Double(count)) <= 5 * deviation)
  }

  @Test func whatWasDrawnElsewhereIsKept() throws {
    var context = InstrumentationContext.topLevel
    context.isKept = true
    #expect(try tracer(share: 0).startSpan("work", context: context).isRecording)
  }

  @Test func identifiersAreNew() throws {
    let tracer = try tracer(share: 1)
    let contexts = (0..<1_000).compactMap { _ in
      tracer.startSpan("work", context: .topLevel).context.trace
    }
    #expect(Set(contexts.map(\.trace)).count == 1_000)
    #expect(Set(contexts.map(\.span)).count == 1_000)
    for context in contexts { #expect(TraceContext(traceparent: context.traceparent) == context) }
  }
}
