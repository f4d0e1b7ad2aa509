import Testing
import Traces
import Tracing

/// `traceparent` and `tracestate`, by the cases of the specification's own test suite.
@Suite struct TraceContextTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let span = "b7ad6b7169203331"

  @Test func aContextIsReadAndWritten() throws {
    let text = "00-\(Self.trace)-\(Self.span)-01"
    let context = try #require(TraceContext(traceparent: text))
    #expect(context.trace == Self.trace)
    #expect(context.span == Self.span)
    #expect(context.isSampled && !context.isRandom)
    #expect(context.traceparent == text)
  }

  @Test(arguments: [
    ("00", false, false), ("01", true, false), ("02", false, true), ("03", true, true),
  ])
  func flagsAreBits(flags: String, isSampled: Bool, isRandom: Bool) throws {
    let text = "00-\(Self.trace)-\(Self.span)-\(flags)"
    let context = try #require(TraceContext(traceparent: text))
    #expect(context.isSampled == isSampled && context.isRandom == isRandom)
    #expect(context.traceparent == text)
  }

  /// Of a later version what is known counts, and the answer is one of our own version.
  @Test(arguments: ["cc-\(trace)-\(span)-01", "01-\(trace)-\(span)-01-of-the-future"])
  func laterVersionsAreReadAsFarAsTheyAreKnown(text: String) {
    #expect(TraceContext(traceparent: text)?.traceparent == "00-\(Self.trace)-\(Self.span)-01")
  }

  @Test func unknownFlagsAreNotPassedOn() {
    let context = TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-fd")
    #expect(context?.traceparent == "00-\(Self.trace)-\(Self.span)-01")
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-",
    "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-01 ", " 00-\(trace)-\(span)-01",
    "ff-\(trace)-\(span)-01", "0-\(trace)-\(span)-01", "01-\(trace)-\(span)-01.more",
    "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
    "00-0AF7651916CD43DD8448EB211C80319C-\(span)-01", "00-\(trace)-B7AD6B7169203331-01",
    "00-\(trace)-\(span)-0G", "00-\(trace)-\(span)-.1", "00-\(trace)x\(span)-01",
    "0x-\(trace)-\(span)-01", "00-\(trace.dropLast())-\(span)-001", "00-\(trace)-\(span)-+1",
    "００-\(trace)-\(span)-01",
  ])
  func whatIsInvalidIsNone(text: String) {
    #expect(TraceContext(traceparent: text) == nil)
  }
}
