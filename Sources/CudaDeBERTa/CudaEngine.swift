package import CudaDevice

/// A GPU that models can run on, with everything that they share there.
package final class CudaEngine: Sendable {
  let context: CudaContext
  let cubins: CubinSource
  /// nil where cuBLASLt is not there: products are slower then.
  let products: ProductLibrary?

  /// Takes a GPU into use.
  ///
  /// - Parameter ordinal: its place in the driver's list, such as 0.
  package init(
    ordinal: Int, search: LibrarySearch, environment: [String: String]
  ) throws(CudaFailure) {
    let driver = try CudaDriver(search: search)
    guard let device = driver.devices.first(where: { $0.ordinal == ordinal }) else {
      throw .noDevice(ordinal: ordinal, count: driver.devices.count)
    }
    context = try CudaContext(driver: driver, device: device)
    cubins = CubinSource(search: search, environment: environment)
    let library = try? CudaProducts(search: search)
    let context = context
    products = try library.map { (library) throws(CudaFailure) in
      try ProductLibrary(library, in: context)
    }
  }

  /// Whether dense products are done by a kernel of our own, for want of cuBLASLt.
  package var lacksProductLibrary: Bool { products == nil }

  /// The GPU.
  package var device: CudaDeviceProperties { context.device }

  /// Bytes of its memory that are free, now.
  package func freeBytes() throws(CudaFailure) -> Int { try context.freeBytes() }
}
