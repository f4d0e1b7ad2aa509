import Foundation
import Tensors
import Testing

/// Whatever processor this is, also one that is younger than the library.
@Suite struct MatrixLibraryTests {
  @Test func productsUseWhatTheProcessorCanDo() throws {
    let processor = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let flags = processor.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    let words = Set(flags.split(separator: " "))
    guard words.contains("avx2"), words.contains("fma") else { return }
    let library = matrixLibrary().lowercased()
    for old in ["prescott", "core2", "penryn", "nehalem", "sandybridge", "barcelona"] {
      #expect(!library.contains(old), "\(library)")
    }
  }

  /// Its variable would choose for every process that is started from here.
  @Test func theEnvironmentStaysAsItWas() {
    let given = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"]
    let own = (try? Data(contentsOf: URL(filePath: "/proc/self/environ"))) ?? Data()
    let lines = own.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    #expect((given != nil) == lines.contains { $0.hasPrefix("OPENBLAS_CORETYPE=") })
  }
}
