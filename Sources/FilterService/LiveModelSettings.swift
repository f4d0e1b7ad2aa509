internal import Synchronization
package import Settings

/// How the model of the moment is found and loaded: what the settings said when last read.
package final class LiveModelSettings: Sendable {
  private let settings: Mutex<ModelSettings>

  package init(_ settings: ModelSettings) { self.settings = Mutex(settings) }

  package var current: ModelSettings { settings.withLock { $0 } }

  /// Finds and loads by other settings from now on.
  func replace(with settings: ModelSettings) { self.settings.withLock { $0 = settings } }
}
