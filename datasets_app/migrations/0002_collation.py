"""On PostgreSQL, folded names compare by code point, whatever the database's locale: prefixes are then range scans of an index."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

COLUMNS = (("datasets_app_owner", "login_folded"), ("datasets_app_repository", "name_folded"))


def forwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    collate(editor, "C")


def backwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    collate(editor, "default")


def collate(editor: BaseDatabaseSchemaEditor, collation: str) -> None:
    if editor.connection.vendor == "postgresql":  # SQLite compares by code point anyway
        for table, column in COLUMNS:
            editor.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar(200) COLLATE "{collation}"')


class Migration(migrations.Migration):
    dependencies = [("datasets_app", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
