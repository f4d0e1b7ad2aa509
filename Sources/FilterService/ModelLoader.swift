internal import Glibc
package import Guard
internal import ModelRegistry
internal import Pipeline
package import Settings
package import Tensors

/// Brings a model to the point where it can judge: loaded, known to its manifest, warm,
/// self-tested.
package struct ModelLoader: Sendable {
  private let live: LiveModelSettings
  private let device: InferenceDevice
  private let policies: LivePolicies
  private let cache: ReadingCache?

  private var settings: ModelSettings { live.current }

  /// - Parameters:
  ///   - live: may be replaced; each model is loaded by what they are then.
  ///   - device: runs the model once it is loaded.
  ///   - policies: rules that the model must have the categories for.
  ///   - cache: remembers what its models say of sequences; nil for none.
  package init(
    live: LiveModelSettings, device: InferenceDevice,
    policies: LivePolicies = LivePolicies(PolicyBook()), cache: ReadingCache? = nil
  ) {
    self.live = live
    self.device = device
    self.policies = policies
    self.cache = cache
  }

  /// By settings that stay as they are.
  package init(
    settings: ModelSettings, device: InferenceDevice,
    policies: LivePolicies = LivePolicies(PolicyBook())
  ) {
    self.init(live: LiveModelSettings(settings), device: device, policies: policies)
  }

  /// - Parameter pool: runs the model once it is loaded.
  package init(settings: ModelSettings, pool: WorkerPool) {
    self.init(settings: settings, device: InferenceDevice(pool: pool))
  }

  /// The folder to which the settings' path leads now, through all links; nil when it leads
  /// nowhere.
  package var target: String? { (try? settings.folder).flatMap(resolve) }

  /// The model that the settings name now.
  package func load() throws(GuardModelFailure) -> GuardModel {
    let path = try settings.folder
    guard let folder = resolve(path) else {
      throw .unusable("\(path): there is no such folder")
    }
    return try load(folder: folder)
  }

  /// The model in one folder.
  ///
  /// - Parameter loadingPool: does all work until the model is ready, so that another may go on
  ///   judging on the pool of this loader: operations on one pool take turns, and those of a
  ///   self-test are long. nil takes that pool itself.
  package func load(
    folder: String, loadingPool: WorkerPool? = nil
  ) throws(GuardModelFailure) -> GuardModel {
    var resolved = settings
    resolved.path = folder
    let loading = loadingPool.map { device.with(pool: $0) } ?? device
    let model = try warmModel(resolved, on: loading)
    try model.selfTest(folder: folder)
    return loadingPool == nil ? model : GuardModel(model, pool: device.pool)
  }

  /// The model of one folder, its manifest checked; on the CPU where a GPU fails and need not be.
  private func warmModel(
    _ settings: ModelSettings, on device: InferenceDevice
  ) throws(GuardModelFailure) -> GuardModel {
    let model = try GuardModel(settings: settings, device: device, cache: cache)
    if let complaint = policies.wanted.complaint(about: model.categories) {
      throw .settings(complaint)
    }
    try checkManifest(of: model, in: settings.path)
    do throws(ClassifierFailure) {
      try model.warmUp()
      return model
    } catch {
      let reason = "warming up failed: \(error.detail)"
      guard let cpu = try device.withoutGPU(because: reason) else {
        throw .unusable("\(settings.path): \(reason)")
      }
      return try warmModel(settings, on: cpu)
    }
  }

  /// A model of a registry must be the one that was registered, to the last bit.
  private func checkManifest(of model: GuardModel, in folder: String) throws(GuardModelFailure) {
    let manifest: ModelManifest?
    do throws(RegistryError) {
      manifest = try ModelManifest.read(folder: folder)
    } catch {
      throw .unusable(error.description)
    }
    if let manifest, manifest.hash != model.hash {
      throw .unusable("\(folder): the files are not those that were registered")
    }
  }

  private func resolve(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
