internal import GRDB

/// The tables of the store and how older files become newer ones.
///
/// Everything that a user or a sender can choose is a BLOB: SQLite's texts end at a NUL character
/// in too many places. A content has one row, whoever sent it; `occurrence` keeps who did, so that
/// an erasure finds it, and `label` keeps what each teacher said.
enum Schema {
  /// "SLCL", so that another program's file is not taken for ours.
  static let applicationIdentifier: Int32 = 0x534C_434C

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: contents, labels, occurrences") { database in
      try database.execute(sql: first)
    }
    return migrator
  }

  /// What the tables and indices of a store were made with, in the order of their names; those of
  /// SQLite and GRDB left out.
  static func statements(of database: Database) throws -> [String] {
    try String.fetchAll(
      database,
      sql: """
        SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '')
        FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' AND name NOT GLOB 'grdb_*' ORDER BY 1
        """)
  }

  /// The same of a store that this version makes.
  static func expected() throws -> [String] {
    let store = try DatabaseQueue()
    try migrator.migrate(store)
    return try store.read(statements)
  }

  private static let first = """
    CREATE TABLE content (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
      prompt BLOB NOT NULL,
      response BLOB,
      summary BLOB NOT NULL,
      near_group INTEGER NOT NULL,
      split INTEGER NOT NULL CHECK (split BETWEEN 0 AND 2)
    ) STRICT;
    CREATE INDEX content_near_group ON content (near_group);

    CREATE TABLE label (
      content INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
      teacher TEXT NOT NULL,
      template BLOB NOT NULL CHECK (length(template) = 32),
      teacher_score REAL NOT NULL CHECK (teacher_score BETWEEN 0 AND 1),
      is_unsafe INTEGER NOT NULL CHECK (is_unsafe IN (0, 1)),
      inclusion_probability REAL NOT NULL
        CHECK (inclusion_probability > 0 AND inclusion_probability <= 1),
      stratum TEXT NOT NULL,
      guard_model BLOB,
      guard_score REAL,
      labelled_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      is_published INTEGER NOT NULL CHECK (is_published IN (0, 1)),
      PRIMARY KEY (content, teacher, template)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX label_expires_at ON label (expires_at);
    CREATE INDEX label_labelled_at ON label (labelled_at);
    CREATE INDEX label_unpublished ON label (content) WHERE is_published = 0;

    CREATE TABLE occurrence (
      content INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
      exchange BLOB NOT NULL,
      tenant BLOB NOT NULL,
      topic TEXT,
      partition INTEGER,
      offset INTEGER,
      PRIMARY KEY (content, exchange, tenant)
    ) STRICT;
    CREATE INDEX occurrence_exchange ON occurrence (exchange);
    CREATE INDEX occurrence_tenant ON occurrence (tenant);

    CREATE TABLE band (
      hash INTEGER NOT NULL,
      content INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
      PRIMARY KEY (hash, content)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX band_content ON band (content);

    CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """
}
