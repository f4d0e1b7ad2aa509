import Foundation
import HTTPClient
import TestSupport
import Testing
import Traces
import Tracing

/// What is sent to a collector, and what becomes of it.
@Suite struct SpanExporterTests {
  private func exporter(
    to address: String, headers: [String: String] = [:]
  ) throws -> (SpanExporter, SpanTracer) {
    let url = try #require(URL(string: address + "/v1/traces"))
    let exporter = SpanExporter(
      to: .init(url: url, headers: headers, resource: ["service.name": "a test"]),
      over: CurlTransport(connectionsMax: 1))
    return (exporter, SpanTracer(sampleShare: 1, exporter: exporter))
  }

  private func end(_ count: Int, spansOf tracer: SpanTracer) {
    for number in 0..<count { tracer.startSpan("span-\(number)", context: .topLevel).end() }
  }

  @Test func whatIsSentIsWhatTheProtocolSays() async throws {
    let collector = try TraceCollector()
    let (exporter, tracer) = try exporter(to: collector.url, headers: ["X-Key": "secret"])
    let parent = tracer.startSpan("parent", context: .topLevel, ofKind: .consumer)
    parent.updateAttributes {
      $0["text"] = "a \"text\" with \u{1F600}, \n and \u{0}"
      $0["number"] = Int.max
      $0["small"] = Int32.min
      $0["real"] = 0.25
      $0["flag"] = true
      $0["texts"] = ["a", "b"]
      $0["numbers"] = [1, 2]
    }
    parent.addEvent(SpanEvent(name: "happened", attributes: ["how": "well"]))
    parent.setStatus(SpanStatus(code: .error, message: "why"))
    for kind in [SpanKind.internal, .server, .client, .producer] {
      let child = tracer.startSpan("child", context: parent.context, ofKind: kind)
      child.addLink(parent)
      child.recordError(CancellationError())
      child.end()
    }
    parent.end()
    parent.end()
    _ = await exporter.send()
    #expect(exporter.counts == SpanExporter.Counts(exported: 5))
    let request = try #require(collector.requests.first)
    #expect(request.head.hasPrefix("POST /v1/traces HTTP/1.1"))
    #expect(request.header("Content-Type") == "application/json")
    #expect(request.header("X-Key") == "secret")
    let complaints = try await onThreadOfItsOwn { try collector.complaints() }
    #expect(complaints == "")
    let spans = try collector.spans()
    let sent = try #require(spans.first { $0.name == "parent" })
    #expect(sent.kind == 5 && sent.parentSpanId == nil && sent.status?.code == 2)
    #expect(sent["number"] == "\(Int.max)" && sent["real"] == "0.25")
    let children = spans.filter { $0.name == "child" }
    #expect(children.map(\.kind) == [1, 2, 3, 4])
    for child in children {
      #expect(child.parentSpanId == sent.spanId && child.traceId == sent.traceId)
      #expect(child.links.map(\.spanId) == [sent.spanId])
    }
  }

  @Test func manySpansAreSentInParts() async throws {
    let collector = try TraceCollector()
    let (exporter, tracer) = try exporter(to: collector.url)
    end(SpanExporter.requestMax * 2 + 1, spansOf: tracer)
    _ = await exporter.send()
    #expect(collector.requests.count == 3)
    #expect(exporter.counts.exported == SpanExporter.requestMax * 2 + 1)
  }

  @Test(arguments: [429, 502, 503, 504])
  func passingFailuresAreTriedAgain(status: Int) async throws {
    let collector = try TraceCollector([.init(status: status), .init(status: status)])
    let (exporter, tracer) = try exporter(to: collector.url)
    end(3, spansOf: tracer)
    let first = await exporter.send()
    let second = await exporter.send()
    #expect(second > first)
    #expect(exporter.counts == SpanExporter.Counts())
    let third = await exporter.send()
    #expect(third == first)
    #expect(exporter.counts == SpanExporter.Counts(exported: 3))
    #expect(collector.requests.map(\.body).allSatisfy { $0 == collector.requests[0].body })
  }

  @Test func aServersWishForAPauseIsHeardWithinALimit() async throws {
    let collector = try TraceCollector([
      .init(status: 503, headers: "Retry-After: 7\r\n"),
      .init(status: 503, headers: "Retry-After: 100000\r\n"),
    ])
    let (exporter, tracer) = try exporter(to: collector.url)
    end(1, spansOf: tracer)
    #expect(await exporter.send() == .seconds(7))
    #expect(await exporter.send() == .seconds(30))
  }

  @Test(arguments: [400, 401, 404, 413, 500])
  func whatIsTurnedDownIsNotSentAgain(status: Int) async throws {
    let collector = try TraceCollector([.init(status: status)])
    let (exporter, tracer) = try exporter(to: collector.url)
    end(3, spansOf: tracer)
    _ = await exporter.send()
    _ = await exporter.send()
    #expect(exporter.counts == SpanExporter.Counts(refused: 3))
    #expect(collector.requests.count == 1)
  }

  @Test(arguments: [
    (#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}"#, 2),
    (#"{"partialSuccess":{"rejectedSpans":1}}"#, 1), (#"{"partialSuccess":{}}"#, 0), ("{}", 0),
    ("", 0), ("not JSON", 0), (#"{"partialSuccess":{"rejectedSpans":"99"}}"#, 3),
    (#"{"partialSuccess":{"rejectedSpans":"-5"}}"#, 0),
  ])
  func partsThatAreTurnedDownAreCounted(body: String, refused: Int) async throws {
    let collector = try TraceCollector([.init(body: body)])
    let (exporter, tracer) = try exporter(to: collector.url)
    end(3, spansOf: tracer)
    _ = await exporter.send()
    #expect(exporter.counts == SpanExporter.Counts(exported: 3 - refused, refused: refused))
  }

  @Test func spansWaitWithinALimitWhileNobodyListens() async throws {
    let (exporter, tracer) = try exporter(to: "http://127.0.0.1:1")
    end(SpanExporter.waitingMax + 10, spansOf: tracer)
    #expect(exporter.counts == SpanExporter.Counts(dropped: 10))
    _ = await exporter.send()
    #expect(exporter.counts == SpanExporter.Counts(dropped: 10))
    end(5, spansOf: tracer)
    await exporter.finish(within: .seconds(1))
    #expect(
      exporter.counts == SpanExporter.Counts(dropped: 15, refused: SpanExporter.waitingMax))
  }

  @Test func theEndSendsWhatWaits() async throws {
    let collector = try TraceCollector()
    let (exporter, tracer) = try exporter(to: collector.url)
    end(SpanExporter.requestMax + 1, spansOf: tracer)
    // Other tests may hold the shared threads for longer than that.
    await onThreadOfItsOwn { await exporter.finish(within: .seconds(20)) }
    #expect(exporter.counts == SpanExporter.Counts(exported: SpanExporter.requestMax + 1))
  }

  /// A collector that takes a request and never answers does not hold the end up.
  @Test func theEndWaitsOnlyForItsTime() async throws {
    let silent = try RawServer { $0.waitForEnd() }
    let (exporter, tracer) = try exporter(to: silent.url)
    end(3, spansOf: tracer)
    let time = await onThreadOfItsOwn {
      let start = ContinuousClock.now
      await exporter.finish(within: .milliseconds(300))
      return ContinuousClock.now - start
    }
    #expect(time < .seconds(5))
    #expect(exporter.counts == SpanExporter.Counts(refused: 3))
    silent.stop()
  }

  @Test func moreLinksThanTheLimitAreCounted() async throws {
    let collector = try TraceCollector()
    let (exporter, tracer) = try exporter(to: collector.url)
    let other = tracer.startSpan("other", context: .topLevel)
    let span = tracer.startSpan("many", context: .topLevel)
    for _ in 0..<(RecordingSpan.linksMax + 7) { span.addLink(other) }
    span.end()
    _ = await exporter.send()
    #expect(try collector.spans().first?.links.count == RecordingSpan.linksMax)
    let body = try #require(collector.requests.first?.body)
    #expect(String(decoding: body, as: UTF8.self).contains(#""droppedLinksCount":7"#))
  }
}
