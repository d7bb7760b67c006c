BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
) STRICT;
INSERT INTO "_sqlite_migrations" VALUES(1,'costops','m001_first_schema','2026-11-18T09:14:07Z');
INSERT INTO "_sqlite_migrations" VALUES(2,'costops','m002_extra_amounts','2026-11-18T09:14:07Z');
INSERT INTO "_sqlite_migrations" VALUES(3,'costops','m003_months','2026-11-18T09:14:07Z');
CREATE TABLE billing_month (
  month TEXT PRIMARY KEY CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  status TEXT NOT NULL CHECK (status IN ('open', 'closed'))
) STRICT, WITHOUT ROWID;
INSERT INTO "billing_month" VALUES('2025-09','open');
INSERT INTO "billing_month" VALUES('2025-10','open');
CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),
  dimensions TEXT NOT NULL,
  cost_columns TEXT NOT NULL
) STRICT;
INSERT INTO "block" VALUES(1,'7565e1852ce0ba09a48714303cf546570c623db1bb67c56b1912ab713a5b8a9b','["env","team"]','["BilledCost","EffectiveCost"]');
INSERT INTO "block" VALUES(2,'5af7c9858fd44829dc5591b57cd44371a1256a60ce36c497d59f5d0b7217c016','["env","team"]','["BilledCost","EffectiveCost"]');
INSERT INTO "block" VALUES(3,'b544544632c6043a4c4b848318cf4239effb50acf911e8a843810e4ec3edc8d9','["env","team"]','["EffectiveCost","x_Net","Amortised"]');
INSERT INTO "block" VALUES(4,'0f0944c36ed5e5b893e1a7d4728b0283a0d550899303048a760c830493ef5d28','["env","team"]','["EffectiveCost","x_Net","Amortised"]');
CREATE TABLE entry (
  block INTEGER NOT NULL REFERENCES block (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  currency TEXT NOT NULL,
  dimension_values TEXT NOT NULL,
  path TEXT NOT NULL,
  billed_units INTEGER,
  billed_parts INTEGER CHECK (billed_parts BETWEEN 0 AND 999999999999),
  effective_units INTEGER,
  effective_parts INTEGER CHECK (effective_parts BETWEEN 0 AND 999999999999),
  list_units INTEGER,
  list_parts INTEGER CHECK (list_parts BETWEEN 0 AND 999999999999),
  contracted_units INTEGER,
  contracted_parts INTEGER CHECK (contracted_parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (block, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "entry" VALUES(1,0,'USD','[null,"ünï"]','a > b',0,3,0,4,NULL,NULL,NULL,NULL);
INSERT INTO "entry" VALUES(1,1,'USD','["production","search"]','',1,500000000000,-1,999999999999,NULL,NULL,NULL,NULL);
INSERT INTO "entry" VALUES(2,0,'EUR','["staging",null]','a',0,7,0,0,NULL,NULL,NULL,NULL);
INSERT INTO "entry" VALUES(3,0,'USD','["production",null]','',NULL,NULL,0,1,NULL,NULL,NULL,NULL);
INSERT INTO "entry" VALUES(3,1,'USD','["staging",null]','a',NULL,NULL,0,2,NULL,NULL,NULL,NULL);
INSERT INTO "entry" VALUES(4,0,'EUR','["staging","search"]','a',NULL,NULL,0,3,NULL,NULL,NULL,NULL);
CREATE TABLE extra_amount (
  block INTEGER NOT NULL,
  position INTEGER NOT NULL,
  cost TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (block, position, cost),
  FOREIGN KEY (block, position) REFERENCES entry (block, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "extra_amount" VALUES(3,0,'Amortised',-1,999999999999);
INSERT INTO "extra_amount" VALUES(3,0,'x_Net',1,0);
INSERT INTO "extra_amount" VALUES(3,1,'Amortised',0,0);
INSERT INTO "extra_amount" VALUES(3,1,'x_Net',0,500000000000);
INSERT INTO "extra_amount" VALUES(4,0,'Amortised',0,7);
INSERT INTO "extra_amount" VALUES(4,0,'x_Net',0,0);
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lineage TEXT NOT NULL CHECK (length(lineage) = 36),
  created_at TEXT NOT NULL,
  serial INTEGER NOT NULL CHECK (serial >= 0)
) STRICT;
INSERT INTO "meta" VALUES(1,'e8a0e3a1-43bb-418e-a284-dc6854dec0f9','2026-11-18T09:14:07Z',2);
CREATE TABLE rule_revision (
  digest TEXT PRIMARY KEY CHECK (length(digest) = 64),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  canonical TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "rule_revision" VALUES('0e880c8a252c90b22690c11c88f42b4b0a015824437a05056148d1d8ffdf0876','allocation','support-by-env','{"method":"even"}','- id: support-by-env
  method: even
');
INSERT INTO "rule_revision" VALUES('5a3a5e929920b533cf53992c352b4e08cf084070c013c0d8750590e76c6f6008','label','env','{"from":["Tags.env"]}','- id: env');
CREATE TABLE version (
  number INTEGER PRIMARY KEY CHECK (number >= 1),
  serial INTEGER NOT NULL UNIQUE CHECK (serial >= 1),
  applied_at TEXT NOT NULL,
  actor TEXT NOT NULL,
  git_commit TEXT,
  git_dirty INTEGER CHECK (git_dirty IN (0, 1)),
  cause TEXT NOT NULL,
  rules_digest TEXT NOT NULL,
  settings TEXT NOT NULL,
  metrics_digest TEXT NOT NULL,
  bill_digest TEXT NOT NULL,
  bill_rows INTEGER NOT NULL CHECK (bill_rows >= 0),
  bill_first_month TEXT NOT NULL,
  bill_last_month TEXT NOT NULL,
  engine TEXT NOT NULL,
  cost TEXT NOT NULL,
  dimensions TEXT NOT NULL,
  cost_columns TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  result_digest TEXT NOT NULL,
  moved TEXT NOT NULL,
  summary TEXT NOT NULL,
  previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT;
INSERT INTO "version" VALUES(1,1,'2026-11-18T09:14:07Z','mara@example.com','7be01d4a41c9e27be01d4a41c9e27be01d4a41c9',0,'apply','33023ee96b2ee21716359e185908a702a61303637c42750c1c324cf0538bd665','{"cost": "EffectiveCost"}','','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',10,'2025-09','2025-10','costops 0.1.0, duckdb 2.0.0','EffectiveCost','["env","team"]','["BilledCost","EffectiveCost"]','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','a372f8b3ede81cad66a588890d023926d3391b55ac89c68798a8cc7312210168','[["EUR","0.000000000001"],["USD","22410.7"]]','1 to add, 1 to change','fa129f264e9458614fee80eef70e8b83aadec6de5560fcf8633942b67877f296','0387bcc2d14d0fe71c1570947b9cd815d40cdd3a8952639e5febee171b6a8e2c');
INSERT INTO "version" VALUES(2,2,'2026-11-18T09:14:07Z','mara@example.com','7be01d4a41c9e27be01d4a41c9e27be01d4a41c9',0,'apply','33023ee96b2ee21716359e185908a702a61303637c42750c1c324cf0538bd665','{"cost": "EffectiveCost"}','','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',10,'2025-09','2025-10','costops 0.1.0, duckdb 2.0.0','EffectiveCost','["env","team"]','["EffectiveCost","x_Net","Amortised"]','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','80300e93eb29fb6c4c9b3384cc23c6f4ca5e73d910f0e0ee4fcb27e1aef6e033','[["EUR","0.000000000001"],["USD","22410.7"]]','1 to add, 1 to change','0387bcc2d14d0fe71c1570947b9cd815d40cdd3a8952639e5febee171b6a8e2c','6955ef8dda3b5945ea8dd2c9421e77ae1d0d397a1bcc375b5e9ee0a9ea64a39f');
CREATE TABLE version_block (
  version INTEGER NOT NULL REFERENCES version (number),
  billing_month TEXT NOT NULL REFERENCES billing_month (month),
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  block INTEGER NOT NULL REFERENCES block (id),
  PRIMARY KEY (version, billing_month, day)
) STRICT, WITHOUT ROWID;
INSERT INTO "version_block" VALUES(1,'2025-09','2025-09-29',1);
INSERT INTO "version_block" VALUES(1,'2025-09','2025-09-30',1);
INSERT INTO "version_block" VALUES(1,'2025-10','2025-10-01',2);
INSERT INTO "version_block" VALUES(2,'2025-09','2025-09-29',3);
INSERT INTO "version_block" VALUES(2,'2025-10','2025-10-01',4);
CREATE TABLE version_month (
  version INTEGER NOT NULL REFERENCES version (number),
  billing_month TEXT NOT NULL REFERENCES billing_month (month),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  sums_digest TEXT NOT NULL CHECK (length(sums_digest) = 64),
  PRIMARY KEY (version, billing_month)
) STRICT, WITHOUT ROWID;
INSERT INTO "version_month" VALUES(1,'2025-09','23f792c38a5156548d4657d86db7b5fddbc4e3e23d0b6abaf0bac9d37376ac90','3706883056a89099cd0b17734c97670b99201439f5089b1ff0046fe09babdcf3');
INSERT INTO "version_month" VALUES(1,'2025-10','5e1b1ad0b944b5319c0fec3e0b5f9d1a89a9eab9a05ebc4541b940f4013f625c','432bba81c5b26bd0334f5f7a2092ea1e6bb278770de73ef848996c1a7e2f2136');
INSERT INTO "version_month" VALUES(2,'2025-09','a0d934415293786be6ae6233cc4e1006f85a23fcec1b2a41c788e72e5df16410','7a92c5ba3af92223507be555a28acbadd52c1bbce84320a9ebaffbfe1e3fefd8');
INSERT INTO "version_month" VALUES(2,'2025-10','d9bf84ab01c571a496f56cccb6fde8a12a2b7a39fbe0998bcd0ba1b38bf4bab5','1fb6b87c6787cddb69e373ec698ec789b600b1132637223a4834398c1d75fef8');
CREATE TABLE version_rule (
  version INTEGER NOT NULL REFERENCES version (number),
  position INTEGER NOT NULL CHECK (position >= 1),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  revision TEXT NOT NULL REFERENCES rule_revision (digest),
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (version, position),
  UNIQUE (version, kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO "version_rule" VALUES(1,1,'label','env','5a3a5e929920b533cf53992c352b4e08cf084070c013c0d8750590e76c6f6008','rules/10.yaml',2);
INSERT INTO "version_rule" VALUES(1,2,'allocation','support-by-env','0e880c8a252c90b22690c11c88f42b4b0a015824437a05056148d1d8ffdf0876','rules/30-shared.yaml',14);
INSERT INTO "version_rule" VALUES(2,1,'label','env','5a3a5e929920b533cf53992c352b4e08cf084070c013c0d8750590e76c6f6008','rules/10.yaml',2);
INSERT INTO "version_rule" VALUES(2,2,'allocation','support-by-env','0e880c8a252c90b22690c11c88f42b4b0a015824437a05056148d1d8ffdf0876','rules/30-shared.yaml',14);
CREATE TABLE version_sum (
  version INTEGER NOT NULL,
  billing_month TEXT NOT NULL,
  dimension TEXT NOT NULL,
  value TEXT NOT NULL,
  currency TEXT NOT NULL,
  cost TEXT NOT NULL,
  units INTEGER NOT NULL,
  parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 999999999999),
  PRIMARY KEY (version, billing_month, dimension, value, currency, cost),
  FOREIGN KEY (version, billing_month) REFERENCES version_month (version, billing_month)
) STRICT, WITHOUT ROWID;
INSERT INTO "version_sum" VALUES(1,'2025-09','','null','USD','BilledCost',3,6);
INSERT INTO "version_sum" VALUES(1,'2025-09','','null','USD','EffectiveCost',0,6);
INSERT INTO "version_sum" VALUES(1,'2025-09','env','"production"','USD','BilledCost',3,0);
INSERT INTO "version_sum" VALUES(1,'2025-09','env','"production"','USD','EffectiveCost',-1,999999999998);
INSERT INTO "version_sum" VALUES(1,'2025-09','env','null','USD','BilledCost',0,6);
INSERT INTO "version_sum" VALUES(1,'2025-09','env','null','USD','EffectiveCost',0,8);
INSERT INTO "version_sum" VALUES(1,'2025-09','team','"search"','USD','BilledCost',3,0);
INSERT INTO "version_sum" VALUES(1,'2025-09','team','"search"','USD','EffectiveCost',-1,999999999998);
INSERT INTO "version_sum" VALUES(1,'2025-09','team','"ünï"','USD','BilledCost',0,6);
INSERT INTO "version_sum" VALUES(1,'2025-09','team','"ünï"','USD','EffectiveCost',0,8);
INSERT INTO "version_sum" VALUES(1,'2025-10','','null','EUR','BilledCost',0,7);
INSERT INTO "version_sum" VALUES(1,'2025-10','env','"staging"','EUR','BilledCost',0,7);
INSERT INTO "version_sum" VALUES(1,'2025-10','team','null','EUR','BilledCost',0,7);
INSERT INTO "version_sum" VALUES(2,'2025-09','','null','USD','Amortised',-1,999999999999);
INSERT INTO "version_sum" VALUES(2,'2025-09','','null','USD','EffectiveCost',0,3);
INSERT INTO "version_sum" VALUES(2,'2025-09','','null','USD','x_Net',1,500000000000);
INSERT INTO "version_sum" VALUES(2,'2025-09','env','"production"','USD','Amortised',-1,999999999999);
INSERT INTO "version_sum" VALUES(2,'2025-09','env','"production"','USD','EffectiveCost',0,1);
INSERT INTO "version_sum" VALUES(2,'2025-09','env','"production"','USD','x_Net',1,0);
INSERT INTO "version_sum" VALUES(2,'2025-09','env','"staging"','USD','EffectiveCost',0,2);
INSERT INTO "version_sum" VALUES(2,'2025-09','env','"staging"','USD','x_Net',0,500000000000);
INSERT INTO "version_sum" VALUES(2,'2025-09','team','null','USD','Amortised',-1,999999999999);
INSERT INTO "version_sum" VALUES(2,'2025-09','team','null','USD','EffectiveCost',0,3);
INSERT INTO "version_sum" VALUES(2,'2025-09','team','null','USD','x_Net',1,500000000000);
INSERT INTO "version_sum" VALUES(2,'2025-10','','null','EUR','Amortised',0,7);
INSERT INTO "version_sum" VALUES(2,'2025-10','','null','EUR','EffectiveCost',0,3);
INSERT INTO "version_sum" VALUES(2,'2025-10','env','"staging"','EUR','Amortised',0,7);
INSERT INTO "version_sum" VALUES(2,'2025-10','env','"staging"','EUR','EffectiveCost',0,3);
INSERT INTO "version_sum" VALUES(2,'2025-10','team','"search"','EUR','Amortised',0,7);
INSERT INTO "version_sum" VALUES(2,'2025-10','team','"search"','EUR','EffectiveCost',0,3);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE TRIGGER rule_revision_no_update BEFORE UPDATE ON rule_revision BEGIN SELECT RAISE(ABORT, 'rule_revision is append-only'); END;
CREATE TRIGGER rule_revision_no_delete BEFORE DELETE ON rule_revision BEGIN SELECT RAISE(ABORT, 'rule_revision is append-only'); END;
CREATE TRIGGER rule_revision_no_replace BEFORE INSERT ON rule_revision WHEN EXISTS (SELECT 1 FROM rule_revision WHERE digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'rule_revision is append-only'); END;
CREATE TRIGGER version_no_update BEFORE UPDATE ON version BEGIN SELECT RAISE(ABORT, 'version is append-only'); END;
CREATE TRIGGER version_no_delete BEFORE DELETE ON version BEGIN SELECT RAISE(ABORT, 'version is append-only'); END;
CREATE TRIGGER version_no_replace BEFORE INSERT ON version WHEN EXISTS (SELECT 1 FROM version WHERE number >= NEW.number OR serial >= NEW.serial OR hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'version is append-only'); END;
CREATE TRIGGER version_rule_no_update BEFORE UPDATE ON version_rule BEGIN SELECT RAISE(ABORT, 'version_rule is append-only'); END;
CREATE TRIGGER version_rule_no_delete BEFORE DELETE ON version_rule BEGIN SELECT RAISE(ABORT, 'version_rule is append-only'); END;
CREATE TRIGGER version_rule_no_replace BEFORE INSERT ON version_rule WHEN EXISTS (SELECT 1 FROM version_rule WHERE version = NEW.version AND (position = NEW.position OR (kind = NEW.kind AND id = NEW.id))) BEGIN SELECT RAISE(ABORT, 'version_rule is append-only'); END;
CREATE TRIGGER block_no_update BEFORE UPDATE ON block BEGIN SELECT RAISE(ABORT, 'block is append-only'); END;
CREATE TRIGGER block_no_delete BEFORE DELETE ON block BEGIN SELECT RAISE(ABORT, 'block is append-only'); END;
CREATE TRIGGER block_no_replace BEFORE INSERT ON block WHEN EXISTS (SELECT 1 FROM block WHERE id = NEW.id OR digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'block is append-only'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER version_block_no_update BEFORE UPDATE ON version_block BEGIN SELECT RAISE(ABORT, 'version_block is append-only'); END;
CREATE TRIGGER version_block_no_delete BEFORE DELETE ON version_block BEGIN SELECT RAISE(ABORT, 'version_block is append-only'); END;
CREATE TRIGGER version_block_no_replace BEFORE INSERT ON version_block WHEN EXISTS (SELECT 1 FROM version_block WHERE version = NEW.version AND billing_month = NEW.billing_month AND day = NEW.day) BEGIN SELECT RAISE(ABORT, 'version_block is append-only'); END;
CREATE TRIGGER meta_identity BEFORE UPDATE OF id, lineage, created_at ON meta BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END;
CREATE TRIGGER meta_serial BEFORE UPDATE OF serial ON meta WHEN NEW.serial <> OLD.serial + 1 BEGIN SELECT RAISE(ABORT, 'the serial advances by exactly 1'); END;
CREATE TRIGGER meta_one_row BEFORE INSERT ON meta WHEN EXISTS (SELECT 1 FROM meta) BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END;
CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta BEGIN SELECT RAISE(ABORT, 'the lineage of a state never changes'); END;
CREATE TRIGGER billing_month_no_delete BEFORE DELETE ON billing_month BEGIN SELECT RAISE(ABORT, 'billing months are never forgotten'); END;
CREATE TRIGGER billing_month_same BEFORE UPDATE OF month ON billing_month BEGIN SELECT RAISE(ABORT, 'billing months are never forgotten'); END;
CREATE VIEW ledger_text AS SELECT
  version_block.version,
  version_block.billing_month,
  version_block.day,
  entry.currency,
  entry.dimension_values,
  entry.path,
  CASE WHEN entry.billed_parts = 0 THEN printf('%d', entry.billed_units) WHEN entry.billed_units >= 0 THEN rtrim(printf('%d.%012d', entry.billed_units, entry.billed_parts), '0') WHEN entry.billed_units < 0 THEN rtrim(printf('-%d.%012d', -(entry.billed_units + 1), 1000000000000 - entry.billed_parts), '0') END AS BilledCost,
  CASE WHEN entry.effective_parts = 0 THEN printf('%d', entry.effective_units) WHEN entry.effective_units >= 0 THEN rtrim(printf('%d.%012d', entry.effective_units, entry.effective_parts), '0') WHEN entry.effective_units < 0 THEN rtrim(printf('-%d.%012d', -(entry.effective_units + 1), 1000000000000 - entry.effective_parts), '0') END AS EffectiveCost,
  CASE WHEN entry.list_parts = 0 THEN printf('%d', entry.list_units) WHEN entry.list_units >= 0 THEN rtrim(printf('%d.%012d', entry.list_units, entry.list_parts), '0') WHEN entry.list_units < 0 THEN rtrim(printf('-%d.%012d', -(entry.list_units + 1), 1000000000000 - entry.list_parts), '0') END AS ListCost,
  CASE WHEN entry.contracted_parts = 0 THEN printf('%d', entry.contracted_units) WHEN entry.contracted_units >= 0 THEN rtrim(printf('%d.%012d', entry.contracted_units, entry.contracted_parts), '0') WHEN entry.contracted_units < 0 THEN rtrim(printf('-%d.%012d', -(entry.contracted_units + 1), 1000000000000 - entry.contracted_parts), '0') END AS ContractedCost
FROM version_block JOIN entry ON entry.block = version_block.block;
CREATE TRIGGER extra_amount_no_update BEFORE UPDATE ON extra_amount BEGIN SELECT RAISE(ABORT, 'extra_amount is append-only'); END;
CREATE TRIGGER extra_amount_no_delete BEFORE DELETE ON extra_amount BEGIN SELECT RAISE(ABORT, 'extra_amount is append-only'); END;
CREATE VIEW extra_ledger_text AS SELECT
  version_block.version,
  version_block.billing_month,
  version_block.day,
  entry.currency,
  entry.dimension_values,
  entry.path,
  extra_amount.cost,
  CASE WHEN extra_amount.parts = 0 THEN printf('%d', extra_amount.units) WHEN extra_amount.units >= 0 THEN rtrim(printf('%d.%012d', extra_amount.units, extra_amount.parts), '0') WHEN extra_amount.units < 0 THEN rtrim(printf('-%d.%012d', -(extra_amount.units + 1), 1000000000000 - extra_amount.parts), '0') END AS amount
FROM version_block JOIN entry ON entry.block = version_block.block
JOIN extra_amount ON extra_amount.block = entry.block AND extra_amount.position = entry.position;
CREATE TRIGGER version_month_no_update BEFORE UPDATE ON version_month BEGIN SELECT RAISE(ABORT, 'version_month is append-only'); END;
CREATE TRIGGER version_month_no_delete BEFORE DELETE ON version_month BEGIN SELECT RAISE(ABORT, 'version_month is append-only'); END;
CREATE TRIGGER version_month_no_replace BEFORE INSERT ON version_month WHEN EXISTS (SELECT 1 FROM version_month WHERE version = NEW.version AND billing_month = NEW.billing_month) BEGIN SELECT RAISE(ABORT, 'version_month is append-only'); END;
CREATE TRIGGER version_sum_no_update BEFORE UPDATE ON version_sum BEGIN SELECT RAISE(ABORT, 'version_sum is append-only'); END;
CREATE TRIGGER version_sum_no_delete BEFORE DELETE ON version_sum BEGIN SELECT RAISE(ABORT, 'version_sum is append-only'); END;
CREATE TRIGGER entry_no_replace BEFORE INSERT ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE block = NEW.block AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER extra_amount_no_replace BEFORE INSERT ON extra_amount WHEN EXISTS (SELECT 1 FROM extra_amount WHERE block = NEW.block AND position = NEW.position AND cost = NEW.cost) BEGIN SELECT RAISE(ABORT, 'extra_amount is append-only'); END;
CREATE TRIGGER version_sum_no_replace BEFORE INSERT ON version_sum WHEN EXISTS (SELECT 1 FROM version_sum WHERE version = NEW.version AND billing_month = NEW.billing_month AND dimension = NEW.dimension AND value = NEW.value AND currency = NEW.currency AND cost = NEW.cost) BEGIN SELECT RAISE(ABORT, 'version_sum is append-only'); END;
COMMIT;
PRAGMA application_id = 1129271379;
PRAGMA user_version = 3;
