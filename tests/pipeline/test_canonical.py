"""The digest of a table's values: blind to layout, never blind to values."""

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline.canonical import table_digest

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.string()), ("n", pa.int32()), ("h", pa.binary(2)), ("t", pa.bool_())])
ROW = st.tuples(
    st.none() | st.text(max_size=4),
    st.text(max_size=4),
    st.none() | st.integers(-3, 3),
    st.binary(min_size=2, max_size=2),
    st.none() | st.booleans(),
)


def table(rows):
    return pa.table(
        [
            pa.array(column, field.type)
            for column, field in zip(list(zip(*rows, strict=True)) or [[]] * 5, SCHEMA, strict=True)
        ],
        SCHEMA,
    )


class CanonicalTest(SimpleTestCase):
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ROW, max_size=6), st.integers(0, 6))
    def test_slices_and_chunks_do_not_change_it(self, rows, cut):
        whole = table(rows)
        padded = table([("pad", "pad", 9, b"zz", True), *rows, ("pad", "", 1, b"zz", None)]).slice(1, len(rows))
        parts = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
        self.assertEqual(len({table_digest(one) for one in (whole, padded, parts)}), 1)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ROW, max_size=4), st.lists(ROW, max_size=4))
    def test_different_values_differ(self, left, right):
        self.assertEqual(table_digest(table(left)) == table_digest(table(right)), left == right)

    def test_values_do_not_run_into_each_other(self):
        pairs = [(["ab", "c"], ["a", "bc"]), ([None], [""]), (["", "a"], ["a", ""])]
        for left, right in pairs:
            columns = [pa.table({"x": pa.array(values, pa.string())}) for values in (left, right)]
            self.assertNotEqual(*map(table_digest, columns))
        self.assertNotEqual(table_digest(pa.table({"x": ["a"]})), table_digest(pa.table({"y": ["a"]})))

    def test_other_types_are_refused(self):
        with self.assertRaises(TypeError):
            table_digest(pa.table({"x": [1.5]}))
        with self.assertRaises(TypeError):
            table_digest(pa.table({"x": pa.array([None], pa.binary(2))}))
