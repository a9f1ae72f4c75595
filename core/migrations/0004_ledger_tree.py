"""Places, tiles, checkpoints and cosignatures of the ledger, append-only too. What was written before waits for its place now."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLES = ("core_ledgerplace", "core_ledgertile", "core_ledgercheckpoint", "core_ledgercosignature")


def forwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for table in TABLES:
        for act in ("UPDATE", "DELETE"):
            refuse = (
                "FOR EACH ROW EXECUTE FUNCTION fairstack_append_only()"
                if postgresql
                else f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
            editor.execute(f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} {refuse}")
    if postgresql:
        editor.execute(
            "CREATE FUNCTION fairstack_ledger_waits() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO core_ledgerpending (entry_id) VALUES (NEW.id); RETURN NULL; END $$"
        )
        wait = "FOR EACH ROW EXECUTE FUNCTION fairstack_ledger_waits()"
    else:
        wait = "BEGIN INSERT INTO core_ledgerpending (entry_id) VALUES (NEW.id); END"
    editor.execute(f"CREATE TRIGGER core_ledgerentry_waits AFTER INSERT ON core_ledgerentry {wait}")
    editor.execute("INSERT INTO core_ledgerpending (entry_id) SELECT id FROM core_ledgerentry")


def backwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    on = " ON {}" if postgresql else ""
    for table in TABLES:
        for act in ("update", "delete"):
            editor.execute(f"DROP TRIGGER {table}_no_{act}" + on.format(table))
    editor.execute("DROP TRIGGER core_ledgerentry_waits" + on.format("core_ledgerentry"))
    if postgresql:
        editor.execute("DROP FUNCTION fairstack_ledger_waits()")


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_roles_and_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerPending",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="core.ledgerentry",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LedgerCheckpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("size", models.BigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("signer", models.CharField(max_length=400)),
                ("note", models.TextField()),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("size", "signer"), name="one_checkpoint_a_size_and_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerCosignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("size", models.BigIntegerField()),
                ("witness", models.CharField(max_length=400)),
                ("line", models.TextField()),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("size", "witness"), name="one_cosignature_a_size_and_witness")
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerPlace",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING, related_name="place", to="core.ledgerentry"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="LedgerTile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.PositiveSmallIntegerField()),
                ("number", models.BigIntegerField()),
                ("hashes", models.BinaryField()),
                ("root", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("level", "number"), name="one_tile_a_level_and_number")
                ],
            },
        ),
        migrations.RunPython(forwards, backwards),
    ]
