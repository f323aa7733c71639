{{ tiered_spend_median(ref('int_spends'), ref('int_deliveries_missing_spend')) }}
