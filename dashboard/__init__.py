"""The pages over the published marts. Nothing here knows another package: `adhouse dashboard` says where they are."""
