package import CudaDevice

/// A GPU that models can run on, with everything that they share there.
package final class CudaEngine: Sendable {
  let context: CudaContext
  let cubins: CubinSource
  /// The environment's name for who computes dense products: `own` for our kernel, whatever is
  /// there.
  package static let productsVariable = "SLUICE_CUDA_PRODUCTS"
  /// nil where cuBLASLt is not there, or not wanted: products are slower then.
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
    cubins = CubinSource(search: search, driver: driver.version, environment: environment)
    products =
      environment[Self.productsVariable] == "own"
      ? nil : try Self.products(search: search, driver: driver.version, in: context)
  }

  /// The first library that starts with this driver; nil where there is none.
  ///
  /// - Throws: why the first does not start, where none does.
  private static func products(
    search: LibrarySearch, driver: CudaVersion, in context: CudaContext
  ) throws(CudaFailure) -> ProductLibrary? {
    var failure: CudaFailure?
    for name in CudaProducts.names(for: driver) {
      guard let library = try? CudaProducts(search: search, names: [name]) else { continue }
      do throws(CudaFailure) {
        return try ProductLibrary(library, in: context)
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return nil
  }

  /// Whether dense products are done by a kernel of our own, for want of cuBLASLt.
  package var lacksProductLibrary: Bool { products == nil }

  /// The GPU.
  package var device: CudaDeviceProperties { context.device }

  /// Bytes of its memory that are free, now.
  package func freeBytes() throws(CudaFailure) -> Int { try context.freeBytes() }
}
