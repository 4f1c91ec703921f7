-- Ka's in PostgreSQL 15: the table, the triggers that notify third parties of changes, and two roles.
--
--     psql -v ON_ERROR_STOP=1 -1 -d akma -f schema.sql
--
-- Run it once, as the database's owner. Nobody else can change these objects.
--
-- SPDX-License-Identifier: Apache-2.0

CREATE SEQUENCE akma_ka_version;

-- A device's newest Ka is the row with its highest version; older rows stay valid for a UE that names their ka-id.
CREATE TABLE akma_ka (
    device text COLLATE "C" NOT NULL CHECK (octet_length(device) BETWEEN 1 AND 255 AND device !~ '[[:cntrl:][:space:]",]'),
    ka_id text COLLATE "C" NOT NULL DEFAULT '' CHECK (octet_length(ka_id) <= 255 AND ka_id !~ '[[:cntrl:][:space:]",]'),
    version bigint NOT NULL DEFAULT nextval('akma_ka_version'),
    created timestamptz NOT NULL DEFAULT now(),
    -- version, number of the key, salt, Ka under AES-256-GCM with its tag: 53 octets more than Ka
    sealed bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 69 AND 65588),
    PRIMARY KEY (device, ka_id)
);
ALTER SEQUENCE akma_ka_version OWNED BY akma_ka.version;

-- Every write takes a new version. Resealing a row (akma ka rekey) changes no Ka, so it keeps the version.
CREATE FUNCTION akma_ka_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('akma.rekey', true) IS DISTINCT FROM 'on' THEN
        NEW.version := nextval('akma_ka_version');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER akma_ka_rewrite BEFORE UPDATE ON akma_ka FOR EACH ROW EXECUTE FUNCTION akma_ka_rewrite();

-- When a row is removed or replaced, its keys are revoked, and their connections end.
CREATE FUNCTION akma_ka_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.version <> NEW.version OR OLD.device <> NEW.device OR OLD.ka_id <> NEW.ka_id THEN
        PERFORM pg_notify('akma_ka', OLD.device || E'\n' || OLD.ka_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER akma_ka_notify AFTER UPDATE OR DELETE ON akma_ka FOR EACH ROW EXECUTE FUNCTION akma_ka_notify();

-- TRUNCATE sends one notification without names.
CREATE FUNCTION akma_ka_notify_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('akma_ka', '');
    RETURN NULL;
END $$;
CREATE TRIGGER akma_ka_notify_all AFTER TRUNCATE ON akma_ka FOR EACH STATEMENT EXECUTE FUNCTION akma_ka_notify_all();

-- Ka's that are revoked, although they can be derived from a master secret (--ka-revoked); '' is every device, or every ka-id.
CREATE TABLE akma_ka_revoked (
    device text COLLATE "C" NOT NULL DEFAULT '' CHECK (octet_length(device) <= 255 AND device !~ '[[:cntrl:][:space:]",]'),
    ka_id text COLLATE "C" NOT NULL DEFAULT '' CHECK (octet_length(ka_id) <= 255 AND ka_id !~ '[[:cntrl:][:space:]",]'),
    PRIMARY KEY (device, ka_id),
    CHECK (device <> '' OR ka_id <> '')
);

-- A listening third party reads the table again.
CREATE FUNCTION akma_ka_revoked_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('akma_ka_revoked', '');
    RETURN NULL;
END $$;
CREATE TRIGGER akma_ka_revoked_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON akma_ka_revoked
    FOR EACH STATEMENT EXECUTE FUNCTION akma_ka_revoked_notify();

-- Grant them to the users that log in: GRANT akma_ka_issuer TO third_party;
DO $$
BEGIN
    CREATE ROLE akma_ka_issuer NOLOGIN;
    CREATE ROLE akma_ka_registrar NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; -- another database of this server has it
END $$;
REVOKE ALL ON akma_ka, akma_ka_revoked FROM PUBLIC;
GRANT SELECT ON akma_ka, akma_ka_revoked TO akma_ka_issuer;
GRANT SELECT, INSERT, UPDATE, DELETE ON akma_ka, akma_ka_revoked TO akma_ka_registrar;
GRANT USAGE ON SEQUENCE akma_ka_version TO akma_ka_registrar;
