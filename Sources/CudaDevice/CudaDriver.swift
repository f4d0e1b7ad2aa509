internal import CCuda

/// A version as NVIDIA counts it.
package struct CudaVersion: Hashable, Sendable, Codable, CustomStringConvertible {
  package let major: Int
  package let minor: Int

  package init(major: Int, minor: Int) { (self.major, self.minor) = (major, minor) }

  package var description: String { "\(major).\(minor)" }
}

/// A GPU.
package struct CudaDeviceProperties: Hashable, Sendable, Codable {
  /// Its place in the driver's list, as in `device: cuda:N`.
  package let ordinal: Int
  package let name: String
  package let memoryBytes: Int
  package let multiprocessors: Int
  /// The compute capability.
  package let capability: CudaVersion
  /// Most shared memory that a block may have.
  package let sharedBytesMax: Int

  /// The architecture that kernels are compiled for, such as `sm_90`.
  package var architecture: String { "sm_\(capability.major)\(capability.minor)" }
}

/// CUDA's driver: the library that comes with the kernel module.
@safe package struct CudaDriver: @unchecked Sendable {
  // @unchecked Sendable: pointers to functions, which may be called from any thread.
  let table: ccuda_driver
  /// The file of the library.
  package let path: String
  /// The newest CUDA that this driver can run.
  package let version: CudaVersion
  /// The GPUs that it offers; CUDA_VISIBLE_DEVICES may hide some.
  package let devices: [CudaDeviceProperties]

  /// Opens the driver and asks for its devices.
  package init(search: LibrarySearch) throws(CudaFailure) {
    let library = try CudaLibrary(["libcuda.so.1"], search)
    var table = ccuda_driver()
    try unsafe library.check(ccuda_bind_driver(library.handle, &table))
    path = library.path
    self.table = table
    try Self.check("cuInit", table.initialize(0), table)
    var number: Int32 = 0
    try Self.check("cuDriverGetVersion", unsafe table.version(&number), table)
    version = CudaVersion(major: Int(number) / 1000, minor: Int(number) % 1000 / 10)
    var count: Int32 = 0
    try Self.check("cuDeviceGetCount", unsafe table.device_count(&count), table)
    var devices: [CudaDeviceProperties] = []
    for ordinal in 0..<count { devices.append(try Self.properties(of: ordinal, table)) }
    self.devices = devices
  }

  private static func properties(
    of ordinal: Int32, _ table: ccuda_driver
  ) throws(CudaFailure) -> CudaDeviceProperties {
    var device: ccuda_device = 0
    try check("cuDeviceGet", unsafe table.device(&device, ordinal), table)
    var name = [CChar](repeating: 0, count: 256)
    try check(
      "cuDeviceGetName", unsafe table.device_name(&name, Int32(name.count), device), table)
    var bytes = 0
    try check("cuDeviceTotalMem", unsafe table.device_memory(&bytes, device), table)
    func attribute(_ number: Int) throws(CudaFailure) -> Int {
      var value: Int32 = 0
      let result = unsafe table.device_attribute(&value, Int32(number), device)
      try check("cuDeviceGetAttribute", result, table)
      return Int(value)
    }
    return CudaDeviceProperties(
      ordinal: Int(ordinal), name: text(name), memoryBytes: bytes,
      multiprocessors: try attribute(Int(CCUDA_ATTRIBUTE_MULTIPROCESSORS)),
      capability: CudaVersion(
        major: try attribute(Int(CCUDA_ATTRIBUTE_MAJOR)),
        minor: try attribute(Int(CCUDA_ATTRIBUTE_MINOR))),
      sharedBytesMax: try attribute(Int(CCUDA_ATTRIBUTE_SHARED_BYTES)))
  }

  /// - Throws: `CudaFailure.failed` for a result other than success, in the driver's words.
  func check(_ function: String, _ result: ccuda_result) throws(CudaFailure) {
    try Self.check(function, result, table)
  }

  private static func check(
    _ function: String, _ result: ccuda_result, _ table: ccuda_driver
  ) throws(CudaFailure) {
    guard result != 0 else { return }
    var (name, words): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
    _ = unsafe table.error_name(result, &name)
    _ = unsafe table.error_text(result, &words)
    let known = unsafe [name, words].compactMap { unsafe $0.map { unsafe String(cString: $0) } }
    throw .failed(
      function: function,
      reason: known.isEmpty ? "error \(result)" : known.joined(separator: ": "))
  }
}
