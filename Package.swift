// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: unsafe code is marked where it stands, and a warning does not build.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableExperimentalFeature("Lifetimes"),
]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]
let strictCXX: [CXXSetting] = [.treatAllWarnings(as: .error)]

// Layers, from the bottom up. LayoutTests reads these names: a target may import only what stands
// in a layer below it (see ARCHITECTURE.md).

// C boundary
let cBoundary: [Target] = [
  .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
  .systemLibrary(
    name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  .systemLibrary(
    name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
  .systemLibrary(
    name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
  .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(
    name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
  .target(name: "CMessages", dependencies: ["CProtobufC"], cSettings: strictC),
  .target(
    name: "CSentencePiece", cxxSettings: strictCXX,
    linkerSettings: [.linkedLibrary("sentencepiece")]),
  .target(
    name: "CSimdJSON", cxxSettings: strictCXX, linkerSettings: [.linkedLibrary("simdjson")]),
  .target(name: "CKernels", cSettings: strictC),
  .target(name: "CSteadyWaits", cSettings: strictC),
  .target(name: "CCuda", cSettings: strictC),
]

// Base: what every layer may use, and no domain owns
let base: [Target] = [
  .target(name: "Basics", dependencies: ["COpenSSL"], swiftSettings: strict),
  .target(name: "Files", swiftSettings: strict),
  .target(name: "Records", swiftSettings: strict),
  .target(name: "StrictJSON", dependencies: ["CSimdJSON"], swiftSettings: strict),
]

// Foundations
let foundations: [Target] = [
  .target(name: "Transport", dependencies: ["Records"], swiftSettings: strict),
  .target(name: "Threading", dependencies: ["Basics"], swiftSettings: strict),
  .target(name: "HTTPClient", dependencies: ["CCurl", "Threading"], swiftSettings: strict),
  .target(name: "HTTPServer", dependencies: ["CMicroHTTPD"], swiftSettings: strict),
  .target(name: "Metrics", dependencies: ["Basics"], swiftSettings: strict),
  .target(name: "Presentation", dependencies: ["Basics"], swiftSettings: strict),
  .target(name: "Datasets", dependencies: ["Basics", "StrictJSON"], swiftSettings: strict),
  .target(
    name: "Sections", dependencies: ["Basics", .product(name: "Yams", package: "Yams")],
    swiftSettings: strict),
  .target(
    name: "Tensors", dependencies: ["Basics", "COpenBLAS", "CKernels", "Threading"],
    swiftSettings: strict),
]

// Engine
let engine: [Target] = [
  .target(
    name: "Tokenizer", dependencies: ["Basics", "StrictJSON", "CSentencePiece"],
    swiftSettings: strict),
  .target(
    name: "DeBERTa", dependencies: ["StrictJSON", "Basics", "Files", "Tensors"],
    swiftSettings: strict),
  .target(
    name: "Distillation", dependencies: ["StrictJSON", "Basics", "Files", "DeBERTa", "Tensors"],
    swiftSettings: strict),
  .target(name: "CudaDevice", dependencies: ["Basics", "Files", "CCuda"], swiftSettings: strict),
  .target(
    name: "CudaDeBERTa",
    dependencies: ["Basics", "CudaDevice", "DeBERTa", "Tensors", "Threading"],
    resources: [.embedInCode("Kernels")], swiftSettings: strict),
]

// Streaming
let streaming: [Target] = [
  .target(
    name: "Pipeline",
    dependencies: [
      "Basics", "Records", "Sections", "Transport",
      .product(name: "DequeModule", package: "swift-collections"),
    ],
    swiftSettings: strict),
  .target(
    name: "Wire", dependencies: ["Basics", "Records", "Sections", "StrictJSON", "CMessages"],
    swiftSettings: strict),
  .target(
    name: "Kafka",
    dependencies: [
      "Basics", "Records", "Sections", "Transport", "Threading", "CRdKafka",
      "CSteadyWaits",
      .product(name: "DequeModule", package: "swift-collections"),
    ],
    swiftSettings: strict),
]

// Operation
let operation: [Target] = [
  .target(
    name: "Settings",
    dependencies: ["Records", "Sections", "StrictJSON", "Pipeline", "Wire", "Kafka"],
    swiftSettings: strict),
  .target(
    name: "Telemetry",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "HTTPClient", "HTTPServer", "Threading",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Histogram", package: "hdrhistogram-swift"),
    ],
    resources: [.embedInCode("Page")], swiftSettings: strict),
  .target(
    name: "Traces",
    dependencies: [
      "Basics", "HTTPClient", "StrictJSON",
      .product(name: "Tracing", package: "swift-distributed-tracing"),
    ],
    swiftSettings: strict),
  .target(name: "Systemd", dependencies: ["Basics"], swiftSettings: strict),
  .target(
    name: "ModelRegistry", dependencies: ["StrictJSON", "Basics", "Files"], swiftSettings: strict),
  .target(
    name: "Guard",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "Records", "Pipeline", "Settings", "Tensors", "Threading", "Tokenizer",
      "DeBERTa",
      "CudaDevice", "CudaDeBERTa", "ModelRegistry",
    ],
    resources: [.copy("Resources/guard-minilm")], swiftSettings: strict),
  .target(
    name: "LabelStore",
    dependencies: [
      "Basics", "Records", "Datasets", "Wire", .product(name: "GRDB", package: "GRDB.swift"),
    ],
    swiftSettings: strict),
  .target(
    name: "LanguageModel",
    dependencies: ["StrictJSON", "Basics", "HTTPClient", "Datasets", "Settings"],
    swiftSettings: strict),
  .target(
    name: "Hosting",
    dependencies: [
      "Basics", "Files", "Records", "Sections", "Transport", "Pipeline", "Kafka", "Threading",
      "Settings", "Telemetry", "Traces", "HTTPClient", "Systemd",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "Tracing", package: "swift-distributed-tracing"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ],
    swiftSettings: strict),
]

// Composition
let composition: [Target] = [
  .target(
    name: "Augmentation",
    dependencies: [
      "StrictJSON", "Basics", "Files", "Datasets", "LanguageModel", "Metrics", "Settings",
    ],
    swiftSettings: strict),
  .target(
    name: "FilterService",
    dependencies: [
      "StrictJSON",
      "Basics", "Records", "Sections", "Transport", "Threading", "Tensors", "Pipeline", "Wire",
      "Kafka",
      "Settings", "Telemetry", "Traces", "Systemd", "Guard", "Hosting", "ModelRegistry",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "Tracing", package: "swift-distributed-tracing"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ],
    swiftSettings: strict),
  .target(
    name: "DeadLetters",
    dependencies: ["Basics", "Records", "Transport", "Wire", "Kafka", "Hosting"],
    swiftSettings: strict),
  .target(
    name: "LabelService",
    dependencies: [
      "StrictJSON",
      "Basics", "Records", "Transport", "Wire", "Kafka", "Settings", "Telemetry", "Systemd",
      "Hosting", "LabelStore", "Pipeline", "LanguageModel", "Metrics",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ],
    swiftSettings: strict),
  .target(
    name: "Learning",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "Datasets", "DeBERTa", "Distillation", "Evaluation", "Guard", "Metrics",
      "ModelRegistry", "Presentation",
      "Tensors", "Tokenizer",
    ],
    swiftSettings: strict),
  .target(
    name: "Evaluation",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "Metrics", "Presentation", "Datasets", "Records", "Tensors", "Pipeline",
      "Settings", "Guard", "ModelRegistry",
    ],
    swiftSettings: strict),
  .target(
    name: "Retraining",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "Datasets", "Records", "Metrics", "Tensors", "Distillation", "Wire",
      "Kafka",
      "Pipeline",
      "Settings", "Telemetry", "Guard", "Hosting", "LabelStore", "ModelRegistry", "Learning",
      "Evaluation",
    ],
    swiftSettings: strict),
  .target(
    name: "Demonstration",
    dependencies: [
      "StrictJSON",
      "FilterService", "Guard", "Hosting", "Records", "Threading", "Tensors", "Wire",
      "Kafka",
      "Settings", "Telemetry", .product(name: "Logging", package: "swift-log"),
    ],
    resources: [.copy("Resources/demo.jsonl")],
    swiftSettings: strict),
]

// Executables
let executables: [Target] = [
  .executableTarget(
    name: "sluice",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "FilterService", "Guard", "Augmentation", "Learning", "Retraining",
      "Evaluation",
      "Metrics",
      "Distillation",
      "DeBERTa",
      "CudaDeBERTa", "CudaDevice", "Datasets", "DeadLetters", "Hosting", "LabelService",
      "LabelStore",
      "Demonstration",
      "ModelRegistry", "Pipeline", "Presentation", "Records", "Sections", "Settings", "Telemetry",
      "Tensors", "Wire",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    swiftSettings: strict),
  .executableTarget(
    name: "sluice-bench",
    dependencies: [
      "StrictJSON",
      "Basics", "Files", "FilterService", "Guard", "Hosting", "DeBERTa", "CudaDeBERTa",
      "CudaDevice",
      "Distillation", "Tensors", "Kafka", "Pipeline", "Presentation", "Records", "Settings",
      "Telemetry", "Threading",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    exclude: ["peers", "experiments"], swiftSettings: strict),
]

// Tests mirror Sources. TestSupport finds fixtures and servers for them.
let tests: [Target] = [
  .target(
    name: "TestSupport",
    dependencies: [
      "Basics", "Files", "Kafka", "Records", "Sanitizers", "Threading", "Transport",
      .product(name: "FlyingFox", package: "FlyingFox"),
    ],
    path: "Tests/TestSupport", swiftSettings: strict),
  // What ThreadSanitizer has to be told of Swift's library; empty in other builds.
  .target(
    name: "Sanitizers", path: "Tests/Sanitizers", exclude: ["leaks.txt", "races.txt"],
    publicHeadersPath: ".",
    cSettings: strictC),
  // Stands in for libcuda, NVRTC and cuBLASLt; optimised in every build, since it runs GPU code.
  .target(
    name: "CudaEmulator", path: "Tests/CudaEmulator",
    cxxSettings: [
      .define("SLUICE_EMULATOR"), .treatAllWarnings(as: .error), .unsafeFlags(["-O2"]),
    ]),
  // A disk that fails, for programs that are started with it (LD_PRELOAD).
  .target(
    name: "FailingDisk", path: "Tests/FailingDisk", publicHeadersPath: ".", cSettings: strictC),
  // A wall clock that jumps, likewise.
  .target(
    name: "JumpingClock", path: "Tests/JumpingClock", publicHeadersPath: ".", cSettings: strictC),
  // The kernels again, for each instruction set by itself.
  .target(
    name: "KernelLevels", dependencies: ["CKernels"], path: "Tests/KernelLevels",
    cSettings: strictC),
  // Lets daemons, network and broker fail, for minutes or hours.
  .executableTarget(
    name: "sluice-chaos",
    dependencies: [
      "Basics", "Datasets", "Kafka", "Presentation", "Records", "TestSupport", "Threading", "Wire",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    path: "Tests/Chaos", exclude: ["run.sh", "build_old_order.sh"], swiftSettings: strict),
  test("BasicsTests", ["Basics"]),
  test("FilesTests", ["Files"]),
  test("RecordsTests", ["Records"]),
  test("StrictJSONTests", ["StrictJSON"]),
  test("ThreadingTests", ["Threading"]),
  test("MetricsTests", ["Metrics"]),
  test("PresentationTests", ["Presentation"]),
  test("DatasetsTests", ["Basics", "Datasets"]),
  test("TensorsTests", ["Basics", "KernelLevels", "Tensors", "Threading"]),
  test("TokenizerTests", ["Basics", "Datasets", "Tokenizer"]),
  test("DeBERTaTests", ["DeBERTa", "Tensors"]),
  test("CudaDeviceTests", ["CudaDevice"]),
  test("CudaDeBERTaTests", ["CudaDeBERTa", "CudaDevice", "DeBERTa", "Tensors"]),
  test("DistillationTests", ["Basics", "Distillation", "DeBERTa", "Tensors"]),
  test("PipelineTests", ["Basics", "Pipeline", "Records"]),
  test("WireTests", ["Wire", "Records"]),
  test("KafkaTests", ["Basics", "Kafka", "Records", "Threading", "Transport"]),
  test("SectionsTests", ["Sections"]),
  test("SettingsTests", ["Kafka", "Pipeline", "Records", "Sections", "Settings", "Wire"]),
  test("SystemdTests", ["Systemd"]),
  test("LanguageModelTests", ["LanguageModel", "Datasets", "HTTPClient", "Settings"]),
  test("HTTPClientTests", ["HTTPClient", "Threading"]),
  test("HTTPServerTests", ["HTTPClient", "HTTPServer"]),
  test(
    "TracesTests",
    [
      "HTTPClient", "StrictJSON", "Traces",
      .product(name: "Tracing", package: "swift-distributed-tracing"),
    ]),
  test(
    "HostingTests",
    [
      "Basics", "Hosting", "Kafka", "Pipeline", "Records", "Sections", "Settings", "Telemetry",
      "Threading", "Traces", "Transport", .product(name: "Logging", package: "swift-log"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "Tracing", package: "swift-distributed-tracing"),
    ]),
  test(
    "GuardTests",
    [
      "Basics", "CudaDeBERTa", "DeBERTa", "Guard", "ModelRegistry", "Records", "Settings",
      "Pipeline", "Tensors", "Threading",
    ]),
  test("ModelRegistryTests", ["Files", "ModelRegistry"]),
  test(
    "FilterServiceTests",
    [
      "Basics", "FilterService", "Guard", "HTTPClient", "Kafka", "ModelRegistry", "Records",
      "Settings", "Pipeline", "Tensors", "Threading", "Traces", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ]),
  test("LabelStoreTests", ["Basics", "LabelStore", "Records"]),
  test(
    "LearningTests",
    [
      "Learning", "Datasets", "Distillation", "Evaluation", "Guard", "ModelRegistry", "Settings",
      "Tensors",
    ]),
  test(
    "EvaluationTests",
    [
      "Basics", "Evaluation", "Datasets", "Guard", "Metrics", "ModelRegistry", "Records",
      "Settings",
      "Tensors",
    ]),
  test(
    "LabelServiceTests",
    [
      "Basics", "Hosting", "LabelService", "LabelStore", "LanguageModel", "Records", "Settings",
      "Transport", "Wire", "Kafka", "Threading",
      .product(name: "Logging", package: "swift-log"),
    ]),
  test(
    "RetrainingTests",
    [
      "Basics", "Datasets", "Distillation", "Evaluation", "Files", "Guard", "Hosting", "Kafka",
      "LabelStore", "Learning", "Metrics", "ModelRegistry", "Pipeline", "Records", "Retraining",
      "Settings", "Tensors", "Wire",
    ]),
  test("TelemetryTests", ["Telemetry"]),
  test("DeadLettersTests", ["DeadLetters", "Hosting", "Kafka", "Records", "Settings", "Wire"]),
  test("AugmentationTests", ["Basics", "Augmentation", "Datasets", "LanguageModel", "Settings"]),
  test(
    "SimulationTests",
    ["Basics", "FilterService", "Hosting", "Kafka", "Pipeline", "Records", "Transport"]),
  test(
    "IntegrationTests",
    [
      "Basics", "Demonstration", "FilterService", "Guard", "Hosting", "Kafka", "LabelStore",
      "Datasets",
      "ModelRegistry", "Pipeline", "Records", "Retraining", "Settings", "StrictJSON", "Telemetry",
      "Tensors", "Threading", "Transport", "Wire", "sluice",
      .product(name: "Logging", package: "swift-log"),
    ]),
  test("ChaosTests", ["Kafka", "Records", "sluice-chaos"]),
  test("LayoutTests", []),
]

func test(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: ["TestSupport"] + dependencies, swiftSettings: strict)
}

// The fuzzer, which is built by itself (Tests/Fuzz/run.sh): it needs instrumented code.
let fuzzer: [Target] =
  Context.environment["SLUICE_FUZZ"] == nil
  ? []
  : [
    .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "sluice-fuzz",
      dependencies: [
        "Augmentation", "Basics", "CFuzzer", "DeBERTa", "Datasets", "HTTPClient", "Kafka",
        "LabelStore", "LanguageModel", "ModelRegistry", "Records", "Settings", "Tokenizer",
        "Traces", "Wire",
      ],
      path: "Tests/Fuzz/Sources", swiftSettings: strict),
  ]

let package = Package(
  name: "sluice",
  products: [
    .executable(name: "sluice", targets: ["sluice"]),
    .executable(name: "sluice-bench", targets: ["sluice-bench"]),
    .library(name: "cuda-emulator", type: .dynamic, targets: ["CudaEmulator"]),
    .library(name: "failing-disk", type: .dynamic, targets: ["FailingDisk"]),
    .library(name: "jumping-clock", type: .dynamic, targets: ["JumpingClock"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: cBoundary + base + foundations + engine + streaming + operation + composition
    + executables + tests + fuzzer,
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx17
)
