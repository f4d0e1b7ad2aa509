import Foundation
import Testing

@Suite("The committed C code of the schema")
struct GeneratedCodeTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let hasCompiler = ["/usr/bin", "/usr/local/bin"].contains {
    FileManager.default.isExecutableFile(atPath: $0 + "/protoc-c")
  }

  @Test("is what protoc-c makes of it today", .enabled(if: hasCompiler))
  func isCurrent() throws {
    let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [Self.root.appending(path: "proto/generate.sh").path, scratch.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    for file in ["sluice.pb-c.c", "include/sluice.pb-c.h"] {
      let committed = try Data(contentsOf: Self.root.appending(path: "Sources/CMessages/\(file)"))
      let generated = try Data(contentsOf: scratch.appending(path: file))
      #expect(committed == generated, "run proto/generate.sh")
    }
  }
}
