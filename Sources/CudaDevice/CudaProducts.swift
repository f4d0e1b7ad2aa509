internal import CCuda

/// cuBLASLt: NVIDIA's dense products.
package struct CudaProducts: Sendable {
  /// The file of the library.
  package let path: String
  package let version: CudaVersion

  /// Opens the library.
  package init(search: LibrarySearch) throws(CudaFailure) {
    let library = try CudaLibrary(["libcublasLt.so.13", "libcublasLt.so.12"], search)
    var table = ccuda_products()
    try unsafe library.check(ccuda_bind_products(library.handle, &table))
    path = library.path
    // 120103 is 12.1.3, and 130000 is 13.0.0.
    let number = table.version()
    version = CudaVersion(major: number / 10_000, minor: number / 100 % 100)
  }
}
