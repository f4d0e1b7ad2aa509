internal import CCuda

/// NVIDIA's run-time compiler, NVRTC: CUDA C++ to machine code of one architecture. It needs no GPU
/// and no driver.
@safe package struct KernelCompiler: @unchecked Sendable {
  // @unchecked Sendable: pointers to functions, which may be called from any thread.
  private let table: ccuda_compiler
  /// The file of the library.
  package let path: String
  package let version: CudaVersion
  /// The architectures that it compiles for, such as `sm_90`.
  package let architectures: [String]

  /// Opens the compiler.
  ///
  /// - Parameter driver: the version of the driver that is to load what it makes.
  package init(search: LibrarySearch, driver: CudaVersion? = nil) throws(CudaFailure) {
    let library = try CudaLibrary(LibrarySearch.names(of: "libnvrtc", for: driver), search)
    var table = ccuda_compiler()
    try unsafe library.check(ccuda_bind_compiler(library.handle, &table))
    path = library.path
    self.table = table
    var (major, minor): (Int32, Int32) = (0, 0)
    try Self.check("nvrtcVersion", unsafe table.version(&major, &minor), table)
    version = CudaVersion(major: Int(major), minor: Int(minor))
    var count: Int32 = 0
    try Self.check(
      "nvrtcGetNumSupportedArchs", unsafe table.architecture_count(&count), table)
    var numbers = [Int32](repeating: 0, count: Int(count))
    try Self.check("nvrtcGetSupportedArchs", unsafe table.architectures(&numbers), table)
    architectures = numbers.map { "sm_\($0)" }
  }

  /// What to compile for, so that a device of an architecture runs it: that architecture, or where
  /// the compiler is older, the newest that it knows of the same generation.
  package func target(for architecture: String) -> String {
    guard !architectures.contains(architecture) else { return architecture }
    func number(_ name: String) -> Int { Int(name.dropFirst(3)) ?? 0 }
    let own = number(architecture)
    let older = architectures.filter { number($0) / 10 == own / 10 && number($0) < own }
    return older.max { number($0) < number($1) } ?? architecture
  }

  /// Compiles a source into a cubin, which any driver as new as its architecture loads. (PTX, the
  /// other choice, is refused by drivers that are older than the compiler.)
  ///
  /// - Parameters:
  ///   - name: as messages show the source.
  ///   - headers: what the source includes, by the names that it uses.
  ///   - architecture: such as `sm_90`.
  package func compile(
    _ source: String, name: String, headers: [String: String] = [:], architecture: String,
    options: [String] = []
  ) throws(CudaFailure) -> [UInt8] {
    try compileWithLog(
      source, name: name, headers: headers, architecture: architecture, options: options
    ).cubin
  }

  /// As `compile`, with what the compiler has to say of a source that compiles.
  package func compileWithLog(
    _ source: String, name: String, headers: [String: String] = [:], architecture: String,
    options: [String] = []
  ) throws(CudaFailure) -> (cubin: [UInt8], log: String) {
    var program = try unsafe create(source, name: name, headers: headers)
    defer { _ = unsafe table.destroy(&program) }
    let all = ["--gpu-architecture=\(architecture)", "--std=c++17"] + options
    let result = unsafe withStrings(all) { count, strings in
      unsafe table.compile(program, count, strings)
    }
    guard result == 0 else {
      throw .compilation(name: name, architecture: architecture, log: try unsafe log(of: program))
    }
    var size = 0
    try Self.check("nvrtcGetCUBINSize", unsafe table.cubin_size(program, &size), table)
    var cubin = [CChar](repeating: 0, count: size)
    try Self.check("nvrtcGetCUBIN", unsafe table.cubin(program, &cubin), table)
    return (cubin.map(UInt8.init(bitPattern:)), try unsafe log(of: program))
  }

  private func create(
    _ source: String, name: String, headers: [String: String]
  ) throws(CudaFailure) -> ccuda_program? {
    var program: ccuda_program?
    let sorted = headers.sorted { $0.key < $1.key }
    let result = unsafe withStrings(sorted.map(\.value)) { count, texts in
      unsafe withStrings(sorted.map(\.key)) { _, names in
        unsafe table.create(&program, source, name, count, texts, names)
      }
    }
    try Self.check("nvrtcCreateProgram", result, table)
    return unsafe program
  }

  private func log(of program: ccuda_program?) throws(CudaFailure) -> String {
    var size = 0
    try Self.check("nvrtcGetProgramLogSize", unsafe table.log_size(program, &size), table)
    var log = [CChar](repeating: 0, count: size + 1)
    try Self.check("nvrtcGetProgramLog", unsafe table.log(program, &log), table)
    return text(log)
  }

  private static func check(
    _ function: String, _ result: Int32, _ table: ccuda_compiler
  ) throws(CudaFailure) {
    guard result != 0 else { return }
    let words = unsafe table.error_text(result).map { unsafe String(cString: $0) }
    throw .failed(function: function, reason: words ?? "error \(result)")
  }
}

/// Calls `body` with a C array of these strings.
private func withStrings<Result>(
  _ strings: [String], _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  // All strings one after the other, each with its zero.
  var characters: [CChar] = []
  var starts: [Int] = []
  for string in strings {
    starts.append(characters.count)
    characters += string.utf8.map(CChar.init(bitPattern:)) + [0]
  }
  return unsafe characters.withUnsafeBufferPointer { characters in
    let pointers = unsafe starts.map { start in
      unsafe characters.baseAddress.map { unsafe $0 + start }
    }
    return unsafe pointers.withUnsafeBufferPointer { pointers in
      unsafe body(Int32(strings.count), pointers.baseAddress)
    }
  }
}
