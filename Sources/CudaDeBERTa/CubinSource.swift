internal import Basics
package import CudaDevice
internal import Foundation

/// Where machine code comes from: a folder of cubins that were compiled ahead of time, or the
/// compiler and its cache.
package struct CubinSource: Sendable {
  /// The environment's name for the folder of cubins.
  package static let variable = "SLUICE_CUBINS"

  private let folder: String?
  private let compiler: Result<KernelCompiler, CudaFailure>
  private let cache: CubinCache?

  /// - Parameters:
  ///   - folder: cubins as `compileAll` leaves them.
  ///   - cache: nil compiles at every start.
  package init(
    folder: String?, compiler: Result<KernelCompiler, CudaFailure>, cache: CubinCache?
  ) {
    self.folder = folder
    self.compiler = compiler
    self.cache = cache
  }

  /// The usual places.
  ///
  /// - Parameter driver: its version.
  package init(search: LibrarySearch, driver: CudaVersion, environment: [String: String]) {
    self.init(
      folder: environment[Self.variable],
      compiler: Result { () throws(CudaFailure) in
        try KernelCompiler(search: search, driver: driver)
      },
      cache: CubinCache.standardFolder(environment: environment).map { CubinCache(folder: $0) })
  }

  /// Machine code of a source for an architecture such as `sm_90`.
  package func cubin(
    _ source: KernelSource, architecture: String
  ) throws(CudaFailure) -> [UInt8] {
    if let folder {
      let path = "\(folder)/\(Self.fileName(source, architecture: architecture))"
      if let data = FileManager.default.contents(atPath: path), !data.isEmpty { return Array(data) }
    }
    let compiler = try compiler.get()
    let architecture = compiler.target(for: architecture)
    guard let cache else {
      return try Self.compile(source, architecture: architecture, with: compiler)
    }
    let key = CubinCache.Key(
      source: source.text, headers: KernelSource.headers, architecture: architecture,
      compiler: compiler.version)
    return try cache.cubin(key) { () throws(CudaFailure) in
      try Self.compile(source, architecture: architecture, with: compiler)
    }.bytes
  }

  /// Compiles all kernels for an architecture, and hands each over with the name of its file.
  package static func compileAll(
    architecture: String, with compiler: KernelCompiler,
    each: (_ fileName: String, _ cubin: [UInt8]) throws -> Void
  ) throws {
    for source in KernelSource.allCases {
      let cubin = try compile(source, architecture: architecture, with: compiler)
      try each(fileName(source, architecture: architecture), cubin)
    }
  }

  private static func compile(
    _ source: KernelSource, architecture: String, with compiler: KernelCompiler
  ) throws(CudaFailure) -> [UInt8] {
    try compiler.compile(
      source.text, name: source.name, headers: KernelSource.headers, architecture: architecture)
  }

  /// Such as `attention-sm_90-0123456789abcdef.cubin`: cubins of other sources have other names.
  private static func fileName(_ source: KernelSource, architecture: String) -> String {
    let headers = KernelSource.headers.sorted { $0.key < $1.key }.map(\.value)
    let digest = ContentDigest(of: Array(([source.text] + headers).joined().utf8)).description
    return "\(source.rawValue)-\(architecture)-\(digest.prefix(16)).cubin"
  }
}
