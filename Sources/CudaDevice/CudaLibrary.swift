internal import CCuda
internal import FoundationEssentials

/// Where CUDA's libraries are looked for.
package struct LibrarySearch: Sendable {
  /// A list of folders, apart by colons, that come first.
  package static let variable = "SLUICE_CUDA_LIBRARIES"

  private let folders: [String]
  /// The system's loader knows its own folders, LD_LIBRARY_PATH and the cache.
  private let asksLoader: Bool

  /// The usual order: the environment's folders, the system's loader, the folders of NVIDIA's
  /// packages, a Python environment that is active.
  package init(environment: [String: String]) {
    let own = environment[Self.variable]?.split(separator: ":").map(String.init) ?? []
    var common = [
      "/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib",
      "/usr/local/nvidia/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
      "/usr/lib/wsl/lib",
    ]
    if let python = environment["VIRTUAL_ENV"], !python.isEmpty {
      common += Self.pythonFolders(of: python)
    }
    self.init(folders: own + [""] + common)
  }

  /// These folders only.
  package init(only folders: [String]) { self.init(folders: folders) }

  private init(folders: [String]) {
    self.folders = folders
    asksLoader = folders.contains("")
  }

  /// `lib/python*/site-packages/nvidia/*/lib`, where pip puts CUDA.
  private static func pythonFolders(of environment: String) -> [String] {
    func children(_ folder: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        .map { "\(folder)/\($0)" }
    }
    return children("\(environment)/lib").filter { $0.contains("/python") }
      .flatMap { children("\($0)/site-packages/nvidia") }.map { "\($0)/lib" }
  }

  /// The names to try for libraries of these file names, in their order.
  func candidates(_ names: [String]) -> [String] {
    names.flatMap { name in folders.map { $0.isEmpty ? name : "\($0)/\(name)" } }
  }
}

extension LibrarySearch {
  /// The generations of CUDA whose libraries have been tried, the newest first.
  private static let generations = [13, 12]

  /// The file names of a library in the order in which to try them: the newest that starts with
  /// this driver comes first, those that may be too new for it last.
  static func names(of library: String, for driver: CudaVersion?) -> [String] {
    let fitting = generations.filter { $0 <= driver?.major ?? .max }
    let others = generations.filter { !fitting.contains($0) }
    return (fitting + others.reversed()).map { "\(library).so.\($0)" }
  }
}

/// A library that was opened, and stays open.
@safe struct CudaLibrary: @unchecked Sendable {
  // @unchecked Sendable: a handle of the dynamic loader, which is never closed.
  let handle: UnsafeMutableRawPointer
  /// The file that it came from.
  let path: String

  /// Opens the first that is there.
  init(_ names: [String], _ search: LibrarySearch) throws(CudaFailure) {
    var tried: [String] = []
    for candidate in search.candidates(names) {
      // A missing file says nothing that its absence does not.
      if candidate.contains("/"), !FileManager.default.fileExists(atPath: candidate) {
        tried.append("\(candidate): no such file")
        continue
      }
      Self.openCompanions(of: candidate)
      var reason = [CChar](repeating: 0, count: 1024)
      if let handle = unsafe ccuda_open(candidate, &reason, reason.count) {
        unsafe self.handle = unsafe handle
        var path = [CChar](repeating: 0, count: 4096)
        unsafe ccuda_path(handle, &path, path.count)
        self.path = text(path).isEmpty ? candidate : text(path)
        return
      }
      tried.append(text(reason))
    }
    throw .missing(library: names[0], tried: tried)
  }

  /// NVRTC 13 finds its built-in headers only when their library is open before it.
  private static func openCompanions(of path: String) {
    guard path.contains("/"), let slash = path.lastIndex(of: "/"),
      path[slash...].hasPrefix("/libnvrtc.so")
    else { return }
    let folder = String(path[..<slash])
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for file in files.sorted() where file.hasPrefix("libnvrtc-builtins.so") {
      var reason = [CChar](repeating: 0, count: 1024)
      _ = unsafe ccuda_open("\(folder)/\(file)", &reason, reason.count)
    }
  }

  /// Checks what a function that fills a table said.
  func check(_ missing: UnsafePointer<CChar>?) throws(CudaFailure) {
    guard let missing = unsafe missing else { return }
    throw .incomplete(path: path, function: unsafe String(cString: missing))
  }
}

/// What stands before the first zero.
func text(_ characters: [CChar]) -> String {
  String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
