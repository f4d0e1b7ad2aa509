import Demonstration
import Synchronization
import Testing

@Suite struct DemoTests {
  @Test func everyRecordOfTheDemoComesOutExactlyOnce() throws {
    let lines = Mutex<[String]>([])
    let isExactlyOnce = try Demonstration { line in lines.withLock { $0.append(line) } }.run()
    let shown = lines.withLock { $0 }
    #expect(isExactlyOnce, "\(shown.suffix(12).joined(separator: "\n"))")
    #expect(shown.last == "every record came out exactly once")
    #expect(shown.contains { $0.contains("quarantine") })
  }
}
