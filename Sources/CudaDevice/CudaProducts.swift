internal import CCuda

/// cuBLASLt: NVIDIA's dense products.
@safe package struct CudaProducts: @unchecked Sendable {
  // @unchecked Sendable: pointers to functions, which may be called from any thread.
  let table: ccuda_products
  /// The file of the library.
  package let path: String
  package let version: CudaVersion

  /// The file names to try with a driver of that version, those first that fit it.
  package static func names(for driver: CudaVersion?) -> [String] {
    LibrarySearch.names(of: "libcublasLt", for: driver)
  }

  /// Opens the first library of these names.
  package init(
    search: LibrarySearch, names: [String] = CudaProducts.names(for: nil)
  ) throws(CudaFailure) {
    let library = try CudaLibrary(names, search)
    var table = ccuda_products()
    try unsafe library.check(ccuda_bind_products(library.handle, &table))
    path = library.path
    self.table = table
    // 120103 is 12.1.3, and 130000 is 13.0.0.
    let number = table.version()
    version = CudaVersion(major: number / 10_000, minor: number / 100 % 100)
  }

  /// - Throws: `CudaFailure.failed` for a status other than success.
  static func check(_ function: String, _ status: Int32) throws(CudaFailure) {
    guard status != 0 else { return }
    let names: [Int32: String] = [
      1: "NOT_INITIALIZED", 3: "ALLOC_FAILED", 7: "INVALID_VALUE", 8: "ARCH_MISMATCH",
      13: "EXECUTION_FAILED", 14: "INTERNAL_ERROR", 15: "NOT_SUPPORTED",
    ]
    throw .failed(
      function: function, reason: names[status].map { "CUBLAS_STATUS_\($0)" } ?? "status \(status)")
  }
}
