import CudaDevice
import Foundation
import Synchronization
import TestSupport
import Testing

struct CubinCacheTests {
  private static let version = LibraryVersions.some

  private static func key(_ source: String, architecture: String = "sm_90") -> CubinCache.Key {
    CubinCache.Key(source: source, architecture: architecture, compiler: version)
  }

  private static func entries(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func onlyTheFirstCallBuilds() throws {
    let directory = try TemporaryDirectory()
    let cache = CubinCache(folder: directory.path + "/a/cubins")
    var built = 0
    for _ in 0..<3 {
      let (bytes, _) = try cache.cubin(Self.key("x")) { () throws(CudaFailure) in
        built += 1
        return [1, 2, 3]
      }
      #expect(bytes == [1, 2, 3])
    }
    #expect(built == 1)
    let folder = directory.path + "/a/cubins"
    let name = try #require(try Self.entries(folder).first)
    func permissions(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    #expect(try permissions(folder) == 0o700)
    #expect(try permissions("\(folder)/\(name)") == 0o600)
  }

  @Test func whateverTheCodeDependsOnMakesAnotherEntry() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/cubins"
    let cache = CubinCache(folder: folder)
    let keys = [
      Self.key("x"), Self.key("y"), Self.key("x", architecture: "sm_80"),
      CubinCache.Key(
        source: "x", headers: ["h": "1"], architecture: "sm_90", compiler: Self.version),
      CubinCache.Key(
        source: "x", headers: ["h": "2"], architecture: "sm_90", compiler: Self.version),
      CubinCache.Key(
        source: "x", architecture: "sm_90", compiler: Self.version, options: ["-lineinfo"]),
      CubinCache.Key(source: "x", architecture: "sm_90", compiler: LibraryVersions.other),
    ]
    for (number, key) in keys.enumerated() {
      let (bytes, origin) = try cache.cubin(key) { () throws(CudaFailure) in [UInt8(number)] }
      #expect(bytes == [UInt8(number)] && origin == .built)
    }
    #expect(try Self.entries(folder).count == keys.count)
  }

  @Test(arguments: [0, 5, 31, 32, 33, 40]) func aDamagedEntryIsBuiltAnew(place: Int) throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/cubins"
    let cache = CubinCache(folder: folder)
    _ = try cache.cubin(Self.key("x")) { () throws(CudaFailure) in Array(0..<20) }
    let file = URL(filePath: "\(folder)/\(try Self.entries(folder)[0])")
    var data = try Data(contentsOf: file)
    data[place] ^= 1
    try data.write(to: file)
    #expect(try cache.cubin(Self.key("x")) { () throws(CudaFailure) in [9] }.bytes == [9])
    try data.prefix(place).write(to: file)
    #expect(try cache.cubin(Self.key("x")) { () throws(CudaFailure) in [7] }.bytes == [7])
    #expect(try cache.cubin(Self.key("x")) { () throws(CudaFailure) in [] }.origin == .cache)
  }

  @Test func aFolderThatOthersMayEnterIsNotUsed() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/cubins"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    let cache = CubinCache(folder: folder)
    let (_, origin) = try cache.cubin(Self.key("x")) { () throws(CudaFailure) in [1] }
    #expect(origin == .notKept(reason: "\(folder): is open to other users"))
    #expect(try Self.entries(folder).isEmpty)
  }

  @Test func aFailureIsPassedOnAndNothingIsKept() throws {
    let directory = try TemporaryDirectory()
    let cache = CubinCache(folder: directory.path + "/cubins")
    let failure = CudaFailure.compilation(name: "x", architecture: "sm_90", log: "no")
    #expect(throws: failure) {
      try cache.cubin(Self.key("x")) { () throws(CudaFailure) in throw failure }
    }
    #expect(try Self.entries(directory.path + "/cubins").isEmpty)
  }

  @Test func whatWasNotUsedForLongestGoesFirst() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/cubins"
    let cache = CubinCache(folder: folder, bytesMax: 3 * 132)
    func use(_ source: String) throws -> CubinCache.Origin {
      try cache.cubin(Self.key(source)) { () throws(CudaFailure) in
        [UInt8](repeating: 0, count: 100)
      }.origin
    }
    for source in ["a", "b", "c", "a", "d"] {
      _ = try use(source)
      usleep(20_000)  // sleeps: a file's time has the resolution of ticks
    }
    #expect(try Self.entries(folder).count == 3)
    #expect(try use("a") == .cache)
    #expect(try use("b") == .built)
  }

  /// Readers and writers at once see whole entries only.
  @Test func manyMayShareAFolder() throws {
    let directory = try TemporaryDirectory()
    let folder = directory.path + "/cubins"
    let wrong = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 8) { task in
      let cache = CubinCache(folder: folder, bytesMax: 2_000)
      for round in 0..<50 {
        let number = (task + round) % 5
        let expected = [UInt8](repeating: UInt8(number), count: 500)
        let found = try? cache.cubin(Self.key("\(number)")) { () throws(CudaFailure) in expected }
        if found?.bytes != expected { wrong.add(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
  }

  @Test func theFolderFollowsTheEnvironment() {
    func folder(_ environment: [String: String]) -> String? {
      CubinCache.standardFolder(environment: environment)
    }
    #expect(folder(["CACHE_DIRECTORY": "/c:/d", "HOME": "/h"]) == "/c/cubins")
    #expect(folder(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/sluice/cubins")
    #expect(folder(["XDG_CACHE_HOME": "", "HOME": "/h"]) == "/h/.cache/sluice/cubins")
    #expect(folder([:]) == nil)
  }
}

/// Versions for keys.
private enum LibraryVersions {
  static let some = CudaVersion(major: 13, minor: 0)
  static let other = CudaVersion(major: 12, minor: 9)
}
