"""The lip-sync expert: a SyncNet that embeds mouths and sound in one space."""
