/// What of CUDA is on this host: every library that was found, or why not.
package struct CudaReport: Sendable {
  package let driver: Result<CudaDriver, CudaFailure>
  package let compiler: Result<KernelCompiler, CudaFailure>
  package let products: Result<CudaProducts, CudaFailure>

  /// Looks for everything; whatever is missing hides nothing else.
  package init(search: LibrarySearch) {
    let driver = Result { () throws(CudaFailure) in try CudaDriver(search: search) }
    let version = (try? driver.get())?.version
    self.driver = driver
    compiler = Result { () throws(CudaFailure) in
      try KernelCompiler(search: search, driver: version)
    }
    products = Result { () throws(CudaFailure) in
      try CudaProducts(search: search, names: CudaProducts.names(for: version))
    }
  }

  /// The GPUs that the driver offers; empty without one.
  package var devices: [CudaDeviceProperties] { (try? driver.get())?.devices ?? [] }
}
