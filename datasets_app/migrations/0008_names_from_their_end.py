"""On PostgreSQL, an index of folded logins read from their end: a slip near the beginning leaves the end as it was.

SQLite, whose databases are small, finds such slips by asking for each letter that was perhaps meant (``datasets_app.near``).
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("CREATE INDEX owner_by_end ON datasets_app_owner (reverse(login_folded))")


def backwards(apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP INDEX owner_by_end")


class Migration(migrations.Migration):
    dependencies = [("datasets_app", "0007_undo_bundles")]
    operations = [migrations.RunPython(forwards, backwards)]
