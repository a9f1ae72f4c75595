"""What the portal tells its own parts."""

from django.dispatch import Signal

# The personal data of a request goes now, in this transaction: ``request`` as it still was. Receivers erase what they keep of it.
personal_data_erased = Signal()
