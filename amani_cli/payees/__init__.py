"""Who is paid, however that is spelled: one name for each, and the banks and operators there are."""
